import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AckReader } from '../../../bench/load/ack-reader.ts';
import { AckRuns } from '../../../bench/load/ack-runs.ts';
import { PUBACK, PUBCOMP, PUBREC } from '../../../bench/load/packets.ts';

const acks = fc.array(fc.tuple(fc.constantFrom(PUBACK, PUBREC, PUBCOMP), fc.integer({ min: 1, max: 65_535 })), { maxLength: 50 });

const test = suite('acks');

test('a stream of acks is read back however it is cut', () => {
  fc.assert(
    fc.property(acks, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }), (sent, lengths) => {
      const stream = Buffer.from(sent.flatMap(([type, id]) => [type, 2, id >> 8, id & 255]));
      const read: [number, number][] = [];
      const reader = new AckReader((type, id) => read.push([type, id]));
      const shared = Buffer.alloc(16);
      for (let pos = 0, turn = 0; pos < stream.length; turn++) {
        const length = stream.copy(shared, 0, pos, pos + (lengths[turn % lengths.length] as number));
        reader.take(shared, length);
        pos += length;
      }
      assert.equal(read, sent);
    }),
  );
});

test('an ack that is not four bytes long fails the run', () => {
  const reader = new AckReader(() => undefined);
  assert.throws(() => reader.take(Buffer.from([PUBACK, 3, 0, 1, 0x10]), 5), /400300/);
});

test('runs of ids become slices of the table, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(65_535, 1, 2)), { maxLength: 60 }),
      (ids) => {
        const written: Buffer[] = [];
        const runs = new AckRuns(PUBACK, (slice) => written.push(slice));
        for (const id of ids) runs.add(id);
        runs.flush();
        runs.flush();
        assert.ok(Buffer.concat(written).equals(Buffer.from(ids.flatMap((id) => [PUBACK, 2, id >> 8, id & 255]))));
        const breaks = ids.filter((id, i) => i > 0 && id !== ((ids[i - 1] as number) % 65_535) + 1).length;
        assert.is(written.length, ids.length === 0 ? 0 : breaks + 1);
      },
    ),
  );
});

test.run();
