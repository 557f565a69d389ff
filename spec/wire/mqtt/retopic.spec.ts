import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePublish } from '../../../src/wire/mqtt/client-encoder.ts';
import { retopic } from '../../../src/wire/mqtt/retopic.ts';

const test = suite('retopic');

const properties = fc.constantFrom(Uint8Array.of(), Uint8Array.of(0x02, 0, 0, 0, 9), Uint8Array.of(0x26, 0, 1, 0x61, 0, 1, 0x62));
const packet = fc.record({
  payload: fc.uint8Array({ maxLength: 300 }),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
  packetId: fc.integer({ min: 1, max: 65_535 }),
  properties,
});
const topic = fc.string({ minLength: 1, maxLength: 200, unit: fc.constantFrom('a', '/', 'é') });

test('the packets of a run are what they would be had they been published to the other topic', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0 as const, 1 as const),
      topic,
      topic,
      fc.array(packet, { minLength: 1, maxLength: 4 }),
      (dialect, from, to, packets) => {
        const encode = (name: string): Buffer =>
          Buffer.concat(packets.map((each) => encodePublish(dialect, { ...each, topic: name })));
        const run = Buffer.concat([Buffer.of(1, 2, 3), encode(from), Buffer.of(4)]);
        const out = retopic(run, 3, run.length - 1, dialect, Buffer.from(to));
        assert.is(Buffer.from(out).toString('hex'), encode(to).toString('hex'));
      },
    ),
  );
});

test.run();
