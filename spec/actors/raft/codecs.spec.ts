import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader, MalformedBytes } from '../../../src/actors/raft/codec/byte-reader.ts';
import { ByteWriter } from '../../../src/actors/raft/codec/byte-writer.ts';
import { decodeFrame, encodeFrame, type PeerMessage } from '../../../src/actors/raft/codec/frame-codec.ts';
import { readMembership, writeMembership } from '../../../src/actors/raft/codec/membership-codec.ts';
import { sortedIds } from '../../../src/actors/raft/membership.ts';
import { decodeCommands, encodeCommands } from '../../../src/actors/raft/sessions/command-codec.ts';

const test = suite('raft codecs');

const u53 = fc.maxSafeNat();
const small = fc.nat(1000);
const data = fc.uint8Array({ maxLength: 40 });
const ids = fc.uniqueArray(u53, { maxLength: 5 }).map(sortedIds);
const membership = fc.record({ voters: ids, outgoing: ids, learners: ids, learnersNext: ids }, { noNullPrototype: true });
const from = 3 * 2 ** 32 + 7;
const to = 9 * 2 ** 32 + 4_000_000_000;

function message(type: PeerMessage['type'], fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<PeerMessage> {
  const header = { type: fc.constant(type), group: u53, from: fc.constant(from), to: fc.constant(to), term: u53 };
  return fc.record({ ...header, ...fields }, { noNullPrototype: true }) as fc.Arbitrary<unknown> as fc.Arbitrary<PeerMessage>;
}

const vote = { lastIndex: u53, lastTerm: u53, isTransfer: fc.boolean() };
const voteReply = { isGranted: fc.boolean(), commit: u53, commitTerm: u53 };
const append = fc
  .tuple(
    message('append', { prevIndex: small, prevTerm: u53, commit: u53 }),
    fc.array(fc.tuple(fc.constantFrom(0, 1, 2), u53, data), { maxLength: 5 }),
  )
  .map(([fields, entries]) => ({
    ...fields,
    entries: entries.map(([kind, term, bytes], i) => ({
      term,
      index: (fields as { prevIndex: number }).prevIndex + 1 + i,
      kind,
      data: bytes,
    })),
  })) as fc.Arbitrary<PeerMessage>;
const meta = fc.record({ index: u53, term: u53, membership }, { noNullPrototype: true });

const anyMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  message('requestPreVote', vote),
  message('requestVote', vote),
  message('preVoteReply', voteReply),
  message('voteReply', voteReply),
  append,
  message('appendReply', { index: u53, isRejected: fc.boolean(), hintIndex: u53, hintTerm: u53, isFull: fc.boolean() }),
  message('heartbeat', { commit: u53, readSeq: u53, sentMs: fc.constantFrom(1.5, 2.5) }),
  message('heartbeatReply', { readSeq: u53, sentMs: fc.constantFrom(1.5, 2.5) }),
  message('timeoutNow', {}),
  message('readIndex', { id: u53 }),
  message('readIndexReply', { id: u53, index: fc.integer({ min: -1, max: 1e9 }) }),
  message('snapshotChunk', { meta, offset: u53, isLast: fc.boolean(), data }),
  message('snapshotReply', { index: u53, offset: u53, isDone: fc.boolean() }),
);
const messages = fc.array(anyMessage, { maxLength: 12 });

test('a frame says what was put in', () => {
  fc.assert(fc.property(messages, (all) => assert.equal(decodeFrame(encodeFrame(from, to, all)), { from, to, messages: all })));
});

test('a frame that ends early is malformed, wherever it ends within a message', () => {
  fc.assert(
    fc.property(messages, fc.nat(), (all, cut) => {
      const frame = encodeFrame(from, to, all);
      const part = frame.slice(0, cut % frame.length);
      try {
        const { messages: some } = decodeFrame(part);
        assert.ok(some.length < all.length || all.length === 0, 'whole runs may be left');
      } catch (error) {
        assert.instance(error, MalformedBytes);
      }
    }),
  );
});

test('damaged and random frames are read or refused, and take no memory for what they only claim', () => {
  fc.assert(
    fc.property(
      messages,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.uint8Array({ maxLength: 60 }),
      (all, hits, noise) => {
        const frame = encodeFrame(from, to, all);
        for (const [at, value] of hits) frame[at % frame.length] = value;
        for (const bytes of [frame, noise, new Uint8Array([...frame.slice(0, 17), ...noise])]) {
          try {
            decodeFrame(bytes);
          } catch (error) {
            assert.instance(error, MalformedBytes);
          }
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('heartbeats of a thousand groups take a handful of bytes each', () => {
  const beats = Array.from(
    { length: 1000 },
    (_, group): PeerMessage => ({ type: 'heartbeat', group, from, to, term: 5, commit: 100, readSeq: 3, sentMs: 12.5 }),
  );
  assert.ok(encodeFrame(from, to, beats).length < 6 * beats.length);
});

test('numbers keep their value at every length', () => {
  fc.assert(
    fc.property(fc.array(u53), (values) => {
      const writer = new ByteWriter(1);
      for (const value of values) {
        writer.varint(value);
        writer.u53(value);
      }
      const reader = new ByteReader(writer.take());
      for (const value of values) assert.equal([reader.varint(), reader.u53()], [value, value]);
      reader.end();
    }),
  );
});

test('memberships and commands keep their meaning', () => {
  const command = fc.oneof(
    fc.record({ type: fc.constant('plain' as const), bytes: data }, { noNullPrototype: true }),
    fc.record({ type: fc.constant('open' as const) }, { noNullPrototype: true }),
    fc.record(
      { type: fc.constant('session' as const), session: u53, seq: u53, answeredTo: u53, bytes: data },
      { noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(membership, fc.array(command), fc.double({ noNaN: true }), (members, commands, timeMs) => {
      const writer = new ByteWriter();
      writeMembership(writer, members);
      assert.equal(readMembership(new ByteReader(writer.take())), members);
      assert.equal(decodeCommands(encodeCommands({ timeMs, commands })), { timeMs, commands });
    }),
  );
});

test.run();
