import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeFrame } from '../../../src/actors/raft/codec/frame-codec.ts';
import type { Entry } from '../../../src/actors/raft/entry.ts';
import { votersOnly } from '../../../src/actors/raft/membership.ts';
import { MemorySnapshots } from '../../../src/actors/raft/memory-storage.ts';
import { HeldMessages } from '../../../src/actors/raft/node/held-messages.ts';
import { PeerOutboxes } from '../../../src/actors/raft/node/peer-outboxes.ts';
import { type ProposalOutcome, Proposals } from '../../../src/actors/raft/node/proposals.ts';
import { WaitingReads } from '../../../src/actors/raft/node/reads-waiting.ts';
import type { SnapshotChunk, SnapshotReply } from '../../../src/actors/raft/node/snapshot-message.ts';
import { SnapshotReceiver } from '../../../src/actors/raft/node/snapshot-receiver.ts';
import { SnapshotSender } from '../../../src/actors/raft/node/snapshot-sender.ts';
import type { SnapshotReader } from '../../../src/actors/raft/state-machine.ts';
import {
  RAFT_FRAME_BYTES,
  RAFT_SNAPSHOT_GIVE_UP_MS,
  RAFT_SNAPSHOT_RETRY_MS,
  RAFT_SNAPSHOT_SENDS_MAX,
} from '../../../src/base/limits.ts';

const test = suite('raft node parts');
const META = { index: 7, term: 2, membership: votersOnly([1, 2]) };

function entry(index: number, term: number): Entry {
  return { index, term, kind: 0, data: new Uint8Array(0) };
}

test('a proposal ends in one of three ways', () => {
  const proposals = new Proposals();
  const outcomes: ProposalOutcome[] = [];
  const done = (outcome: ProposalOutcome): void => void outcomes.push(outcome);
  proposals.add({ firstIndex: 5, count: 3, term: 2, refusal: 'too_many_uncommitted' }, [done, done, done, done]);
  assert.equal(outcomes, [{ result: 'not', reason: 'too_many_uncommitted' }]);
  proposals.applied([entry(5, 2), entry(6, 3)], ['five', 'six']);
  assert.equal(outcomes.slice(1), [
    { result: 'ok', index: 5, reply: 'five' },
    { result: 'not', reason: 'replaced' },
  ]);
  proposals.skippedTo(9);
  assert.equal(outcomes.slice(3), [{ result: 'unknown' }]);
  assert.is(proposals.size, 0);
});

test('who proposes again at an index has lost what was there', () => {
  const proposals = new Proposals();
  const outcomes: ProposalOutcome[] = [];
  const add = (term: number): void =>
    proposals.add({ firstIndex: 5, count: 1, term, refusal: undefined }, [(outcome) => outcomes.push(outcome)]);
  add(2);
  add(4);
  assert.equal(outcomes, [{ result: 'not', reason: 'replaced' }]);
  proposals.applied([entry(5, 4)], ['new']);
  assert.equal(outcomes[1], { result: 'ok', index: 5, reply: 'new' });
});

test('a read looks first, and asks about its lease then', () => {
  const reads = new WaitingReads();
  let clockMs = 0;
  const seen: unknown[] = [];
  const id = reads.add({
    look: () => {
      clockMs += 1000;
      return 'old';
    },
    done: (isOk, what) => seen.push([isOk, what]),
  });
  reads.answered({ id, index: 3, leaseUntilMs: 500, ledTerm: 1 });
  reads.serve(2, () => true);
  assert.equal(seen, [], 'not applied yet');
  reads.serve(3, ({ leaseUntilMs }) => clockMs < leaseUntilMs);
  assert.equal(seen, [[false, undefined]]);
});

test('what waits for the disk leaves in the order of the writes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 30 }), (steps) => {
      const held = new HeldMessages();
      const left: number[] = [];
      let batch = 1;
      for (const step of steps) {
        if (step > 0) held.hold(batch, { type: 'timeoutNow', group: batch, from: 1, to: 2, term: 1 });
        else held.release(batch++, ({ group }) => left.push(group));
        assert.ok(left.every((of) => of < batch));
      }
      held.release(batch, ({ group }) => left.push(group));
      assert.is(left.length, steps.filter((step) => step > 0).length);
      assert.equal(
        left,
        [...left].sort((a, b) => a - b),
      );
    }),
  );
});

/** A sender and a receiver with a way between them that a spec disturbs. */
class Way {
  readonly source = new MemorySnapshots();
  readonly target = new MemorySnapshots();
  readonly chunks: SnapshotChunk[] = [];
  readonly replies: SnapshotReply[] = [];
  readonly reports: [number, boolean][] = [];
  readonly received: number[] = [];
  /** Groups that were told to make a snapshot. */
  readonly made: number[] = [];
  logStart: number | undefined = META.index;
  now = 0;
  readonly sender: SnapshotSender;
  readonly receiver = new SnapshotReceiver({
    self: 2,
    store: this.target,
    reply: (reply) => this.replies.push(reply),
    received: (_group, { index }) => this.received.push(index),
  });

  constructor(bytes: Uint8Array, bytesPerSecond = 1e9, groups = 1) {
    const reader = (): SnapshotReader => ({ read: (_max, done) => done(bytes, true), close: () => {} });
    for (let group = 1; group <= groups; group++) this.source.save(group, META, reader(), () => {});
    this.sender = new SnapshotSender(
      {
        self: 1,
        store: this.source,
        send: (chunk) => this.chunks.push(chunk),
        report: (_group, to, isOk) => this.reports.push([to, isOk]),
        logStart: () => this.logStart,
        make: (group) => this.made.push(group),
        wake: () => {},
      },
      bytesPerSecond,
      10,
    );
  }

  carry(isLost: () => boolean): void {
    for (const chunk of this.chunks.splice(0)) if (!isLost()) this.receiver.onChunk(chunk);
    for (const reply of this.replies.splice(0)) if (!isLost()) this.sender.onReply(reply, this.now);
  }

  step(isLost: () => boolean = () => false): void {
    this.now += RAFT_SNAPSHOT_RETRY_MS / 2;
    this.sender.tick(this.now);
    this.carry(isLost);
  }
}

test('frames are cut where they would be too large, and nothing is lost or out of order', () => {
  const outboxes = new PeerOutboxes(7);
  const sizes = [1, RAFT_FRAME_BYTES - 500, 400, 2 * RAFT_FRAME_BYTES, 10, 10];
  for (const [i, size] of sizes.entries()) {
    const entries = [{ term: 1, index: i + 1, kind: 0 as const, data: new Uint8Array(size) }];
    outboxes.add({ type: 'append', group: 1, from: 7, to: 8, term: 1, prevIndex: i, prevTerm: 1, commit: 0, entries });
  }
  const frames: Uint8Array[] = [];
  assert.is(outboxes.flush({ send: (_to, _lane, bytes) => frames.push(bytes.slice()) }), 3);
  const indexes = frames
    .flatMap((frame) => decodeFrame(frame).messages)
    .map((message) => (message as { prevIndex: number }).prevIndex);
  assert.equal(indexes, [0, 1, 2, 3, 4, 5]);
  assert.ok(frames.filter(({ length }) => length > RAFT_FRAME_BYTES + 1000).length <= 1, 'only what is too large by itself');
  assert.is(outboxes.flush({ send: () => assert.unreachable('all has left') }), 0);
});

test('a snapshot arrives whole, whatever is lost on the way', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.boolean(), { maxLength: 80 }), (bytes, losses) => {
      const way = new Way(bytes);
      way.sender.want(1, 2, 3);
      let at = 0;
      for (let i = 0; i < 400 && way.reports.length === 0; i++) way.step(() => losses[at++] === true && at % 4 !== 0);
      assert.equal(way.received, [7]);
      assert.equal(way.reports, [[2, true]]);
      way.target.open(1)!.reader.read(1000, (got, isLast) => {
        assert.ok(isLast);
        assert.equal([...got], [...bytes]);
      });
    }),
    { numRuns: 60 },
  );
});

test('a transfer that gets no answer is given up', () => {
  const way = new Way(new Uint8Array(100));
  way.sender.want(1, 2, 3);
  while (way.now <= RAFT_SNAPSHOT_GIVE_UP_MS + RAFT_SNAPSHOT_RETRY_MS) way.step(() => true);
  assert.equal(way.reports, [[2, false]]);
  assert.is(way.sender.size, 0);
});

test('a snapshot that the log does not go on from is not sent: one is made first', () => {
  const way = new Way(new Uint8Array(100));
  way.logStart = META.index + 1;
  way.sender.want(1, 2, 3);
  for (let i = 0; i < 3; i++) way.step();
  assert.equal([way.made, way.chunks, way.reports], [[1, 1, 1], [], []]);
  const meta = { ...META, index: META.index + 1 };
  way.source.save(1, meta, { read: (_max, done) => done(new Uint8Array(50), true), close: () => {} }, () => {});
  for (let i = 0; i < 40 && way.reports.length === 0; i++) way.step();
  assert.equal([way.received, way.reports], [[meta.index], [[2, true]]]);
});

test('nothing is sent for a group that is no more', () => {
  const way = new Way(new Uint8Array(100));
  way.logStart = undefined;
  way.sender.want(1, 2, 3);
  way.step();
  assert.equal([way.reports, way.sender.size], [[[2, false]], 0]);
});

test('the rate bounds what leaves, and a few transfers run at once', () => {
  const way = new Way(new Uint8Array(10_000), 100, 10);
  for (let group = 1; group <= 10; group++) way.sender.want(group, 2, 3);
  let sent = 0;
  const groups = new Set<number>();
  for (let i = 0; i < 40; i++) {
    way.now += 50;
    way.sender.tick(way.now);
    for (const { data, group } of way.chunks) {
      sent += data.length;
      groups.add(group);
    }
    way.carry(() => false);
  }
  assert.ok(sent <= 200 + 40, `${sent} bytes in two seconds at 100 bytes per second`);
  assert.ok(groups.size <= RAFT_SNAPSHOT_SENDS_MAX);
});

test('chunks of another transfer do not continue this one', () => {
  const way = new Way(new Uint8Array(100));
  const chunk = {
    type: 'snapshotChunk',
    group: 1,
    from: 1,
    to: 2,
    term: 3,
    meta: META,
    isLast: false,
    data: new Uint8Array(10),
  } as const;
  way.receiver.onChunk({ ...chunk, offset: 0 });
  way.receiver.onChunk({ ...chunk, term: 4, offset: 10 });
  way.receiver.onChunk({ ...chunk, offset: 30 });
  assert.equal(
    way.replies.map(({ offset }) => offset),
    [10, 10],
  );
});

test.run();
