/** Every byte that a client, the log or a snapshot may bring: what was written is read again, and what was not is refused before memory is taken for it. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readAnswer, writeAnswer } from '../../../src/actors/meta/codec/answer-codec.ts';
import { readCall, readCallHeader, writeCall } from '../../../src/actors/meta/codec/call-codec.ts';
import { decodeCommand, encodeCommand } from '../../../src/actors/meta/codec/command-codec.ts';
import { decodeReply, encodeReply } from '../../../src/actors/meta/codec/reply-codec.ts';
import type { MetaCommand, MetaReply, Put, TxnOp } from '../../../src/actors/meta/command.ts';
import { MetaMachine } from '../../../src/actors/meta/machine.ts';
import { ByteReader, MalformedBytes } from '../../../src/actors/raft/codec/byte-reader.ts';
import { ByteWriter } from '../../../src/actors/raft/codec/byte-writer.ts';
import { META_KEY_BYTES_MAX } from '../../../src/base/limits.ts';
import { command, key, value } from './arbitraries.ts';

const test = suite('meta codecs');

const number = fc.nat(2 ** 40);
const strict = { noNullPrototype: true } as const;
const record = fc
  .record({ key, value, created: number, modified: number, version: number, lease: number }, strict)
  .map((made) => ({ ...made, valueBytes: made.value.length }));
const result = fc.oneof(
  fc.constant({ type: 'put' as const }),
  fc.record({ type: fc.constant('deleted' as const), count: number }, strict),
  fc.record({ type: fc.constant('records' as const), records: fc.array(record, { maxLength: 3 }), isMore: fc.boolean() }, strict),
);
const reply: fc.Arbitrary<MetaReply> = fc.oneof(
  fc.record({ type: fc.constant('refused' as const), reason: fc.constantFrom('malformed' as const, 'full' as const) }, strict),
  fc.record({ type: fc.constant('written' as const), revision: number, deleted: number }, strict),
  fc.record(
    {
      type: fc.constant('claimed' as const),
      revision: number,
      results: fc.array(
        fc.record({ isDone: fc.boolean(), modified: number, before: fc.option(record, { nil: undefined }) }, strict),
        { maxLength: 4 },
      ),
    },
    strict,
  ),
  fc.record(
    { type: fc.constant('txn' as const), revision: number, isSuccess: fc.boolean(), results: fc.array(result, { maxLength: 4 }) },
    strict,
  ),
  fc.record({ type: fc.constant('granted' as const), id: number, ttlMs: number }, strict),
  fc.record({ type: fc.constant('ended' as const), revision: number, ended: number, deleted: number }, strict),
);

/** Undefined when it is refused as it should be; any other error is a fault. */
function tried<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

/** With its values as arrays of their own. */
function plainCommand(command: MetaCommand): MetaCommand {
  const put = ({ key, value, lease }: Put): Put => ({ key, value, lease });
  const op = (each: TxnOp): TxnOp => (each.type === 'put' ? { type: 'put', put: put(each.put) } : each);
  if (command.type === 'write') return { ...command, puts: command.puts.map(put) };
  if (command.type === 'claim')
    return { ...command, claims: command.claims.map(({ key, expected, value, lease }) => ({ key, expected, value, lease })) };
  if (command.type === 'txn') return { ...command, success: command.success.map(op), failure: command.failure.map(op) };
  return command;
}

test('commands and replies survive their bytes', () => {
  fc.assert(
    fc.property(command, (made) => assert.equal(plainCommand(decodeCommand(encodeCommand(made))), made)),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(reply, (made) => assert.equal(decodeReply(encodeReply(made)), made)),
    { numRuns: 500 },
  );
});

test('renewals and their answers survive their bytes, and a part of them is nothing', () => {
  fc.assert(
    fc.property(fc.array(number, { maxLength: 5 }), number, fc.nat(), (ids, id, at) => {
      const writer = new ByteWriter(64);
      writeCall(writer, { id, group: 3 }, { type: 'keepAlive', ids });
      const call = writer.take();
      const reader = new ByteReader(call);
      assert.equal(readCallHeader(reader), { id, group: 3 });
      assert.equal(readCall(reader), { type: 'keepAlive', ids });
      writeAnswer(writer, id, { type: 'keptAlive', ttlMs: ids });
      const answer = writer.take();
      assert.equal(readAnswer(new ByteReader(answer)), { id, answer: { type: 'keptAlive', ttlMs: ids } });
      for (const bytes of [call, answer]) {
        const part = new ByteReader(bytes.subarray(0, at % bytes.length));
        assert.is(
          tried(() => (bytes === call ? [readCallHeader(part), readCall(part)] : readAnswer(part))),
          undefined,
        );
      }
    }),
  );
  const many = Uint8Array.of(1, 1, 7, 0xff, 0xff, 0xff, 0x7f);
  const reader = new ByteReader(many);
  readCallHeader(reader);
  assert.is(
    tried(() => readCall(reader)),
    undefined,
  );
});

test('a part of them is nothing, nor is more than they are', () => {
  fc.assert(
    fc.property(command, fc.nat(), (made, at) => {
      const bytes = encodeCommand(made);
      assert.is(
        tried(() => decodeCommand(bytes.subarray(0, at % bytes.length))),
        undefined,
      );
      assert.is(
        tried(() => decodeCommand(Buffer.concat([bytes, Uint8Array.of(0)]))),
        undefined,
      );
    }),
  );
});

test('damaged ones are refused or mean something else, and no memory is taken for what is not there', () => {
  fc.assert(
    fc.property(command, fc.nat(), fc.nat(255), (made, at, byte) => {
      const bytes = Uint8Array.from(encodeCommand(made));
      bytes[at % bytes.length] = byte;
      const read = tried(() => decodeCommand(bytes));
      if (read !== undefined) encodeCommand(read);
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      tried(() => decodeCommand(bytes));
      tried(() => decodeReply(bytes));
    }),
    { numRuns: 3000 },
  );
  // A write of a thousand million keys in ten bytes.
  assert.is(
    tried(() => decodeCommand(Uint8Array.of(1, 0, 0x80, 0x80, 0x80, 0x80, 0x04, 1, 1, 1))),
    undefined,
  );
});

test('a key that is too long is refused', () => {
  const puts = [{ key: 'k'.repeat(META_KEY_BYTES_MAX + 1), value: new Uint8Array(0), lease: 0 }];
  assert.is(
    tried(() => decodeCommand(encodeCommand({ type: 'write', puts, deletes: [] }))),
    undefined,
  );
});

test('damaged pieces of a snapshot are refused', () => {
  const machine = new MetaMachine();
  machine.do({ type: 'grant', id: 1, ttlMs: 1000 });
  machine.do({ type: 'write', puts: [{ key: 'k', value: Uint8Array.of(1, 2, 3), lease: 1 }], deletes: [] });
  const pieces = [...{ [Symbol.iterator]: () => machine.pieces() }];
  fc.assert(
    fc.property(fc.nat(pieces.length - 1), fc.nat(), (which, at) => {
      const into = new MetaMachine();
      for (const piece of pieces.slice(0, which)) into.restore(piece);
      const cut = pieces[which]!.subarray(0, at % pieces[which]!.length);
      // A piece of records may end between two of them.
      if (tried(() => into.restore(cut)) !== undefined) assert.is(cut.length, 1);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const into = new MetaMachine();
      into.beginRestore();
      // The history of what is no snapshot need not fit together, which is a fault of its own.
      try {
        into.restore(bytes);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
