/** The judge of leases must convict one that ends before its time, comes back, takes keys when it is over, or ends in parts, and no other. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LeaseBook } from '../../../../bench/chaos/meta/lease-book.ts';

const test = suite('chaos leases');
const TTL_MS = 100;

interface Renewal {
  /** After the last answer. */
  readonly afterMs: number;
  readonly thereMs: number;
  readonly backMs: number;
}

interface Life {
  readonly renewals: readonly Renewal[];
  /** What the group takes longer than it must. */
  readonly lateMs: number;
  /** Revoked so long after the last renewal, if that is sooner. */
  readonly revokeMs: number | undefined;
  readonly lookMs: number;
}

const wait = fc.nat(40);
const life: fc.Arbitrary<Life> = fc.record({
  renewals: fc.array(fc.record({ afterMs: fc.nat(130), thereMs: wait, backMs: wait }), { maxLength: 6 }),
  lateMs: wait,
  revokeMs: fc.option(fc.nat(150), { nil: undefined }),
  lookMs: wait,
});

interface Played {
  readonly book: LeaseBook;
  readonly faults: string[];
  /** What its holder was told last: yes, when it asked then. */
  readonly promisedMs: number;
  readonly endMs: number;
  readonly nowMs: number;
  readonly isRevoked: boolean;
}

/** As a group does that keeps its promises. */
function play({ renewals, lateMs, revokeMs }: Life): Played {
  const faults: string[] = [];
  const book = new LeaseBook('metadata/0', 7, TTL_MS, 0, 10, (fault) => faults.push(fault));
  book.carried('a', 12);
  book.carried('b', 13);
  let nowMs = 15;
  let promisedMs = 0;
  let endMs = 5 + TTL_MS + lateMs;
  for (const { afterMs, thereMs, backMs } of renewals) {
    const askedMs = nowMs + afterMs;
    const atMs = askedMs + thereMs;
    nowMs = atMs + backMs;
    const isThere = atMs < endMs;
    if (isThere) {
      endMs = atMs + TTL_MS + lateMs;
      promisedMs = askedMs;
    }
    book.renewed(isThere ? TTL_MS : 0, askedMs, nowMs);
    if (!isThere) break;
  }
  const isRevoked = revokeMs !== undefined && !book.isOver && nowMs + revokeMs < endMs;
  if (isRevoked) {
    book.revoking(nowMs + revokeMs);
    endMs = nowMs + revokeMs + 1;
  }
  return { book, faults, promisedMs, endMs, nowMs, isRevoked };
}

test('a lease that keeps its promises is never convicted', () => {
  fc.assert(
    fc.property(life, (each) => {
      const { book, faults, endMs } = play(each);
      const byMs = endMs + each.lookMs;
      book.checkEnds([
        { key: 'a', revision: 9, byMs },
        { key: 'b', revision: 9, byMs },
      ]);
      assert.equal(faults, []);
    }),
  );
});

test('one that ends before its time is always convicted, whoever has seen it', () => {
  fc.assert(
    fc.property(life, fc.integer({ min: 2, max: TTL_MS }), fc.boolean(), (each, earlyMs, isRead) => {
      const { book, faults, promisedMs, isRevoked } = play({ ...each, revokeMs: undefined });
      fc.pre(!isRevoked && !book.isOver);
      const byMs = promisedMs + TTL_MS - earlyMs;
      if (isRead) book.over('a read finds no a', byMs);
      else book.checkEnds([{ key: 'a', revision: 9, byMs }]);
      assert.is(faults.length, 1);
      assert.match(faults[0]!, /^metadata\/0: lease 7 of 100 ms is over by .* and its holder, who asked at/);
    }),
  );
});

test('a promise that comes after the news of its breach counts', () => {
  const faults: string[] = [];
  const book = new LeaseBook('data/0', 1, TTL_MS, 0, 1, (fault) => faults.push(fault));
  book.over('a read finds no a', 110);
  assert.equal(faults, []);
  book.renewed(TTL_MS, 90, 120);
  assert.is(faults.length, 1);
});

test('one that was revoked may end at once, but not before', () => {
  for (const [byMs, isFault] of [
    [50, false],
    [40, true],
  ] as const) {
    const faults: string[] = [];
    const book = new LeaseBook('data/0', 1, TTL_MS, 0, 1, (fault) => faults.push(fault));
    book.revoking(49);
    book.over('it is revoked', byMs);
    assert.is(faults.length > 0, isFault);
  }
});

test('one that is over is not renewed, and takes nothing', () => {
  fc.assert(
    fc.property(life, fc.integer({ min: 1, max: 100 }), (each, laterMs) => {
      const { book, faults, endMs } = play(each);
      book.over('a read finds no a', endMs);
      book.renewed(TTL_MS, endMs + laterMs, endMs + laterMs + 1);
      assert.ok(faults.some((fault) => fault.includes('and is renewed')));
      book.carried('c', endMs + laterMs);
      assert.ok(faults.some((fault) => fault.includes('takes c')));
    }),
  );
});

test('its keys end in one revision, but for those that have left it', () => {
  const { book, faults, endMs } = play({ renewals: [], lateMs: 0, revokeMs: undefined, lookMs: 0 });
  const ends = [
    { key: 'a', revision: 9, byMs: endMs },
    { key: 'b', revision: 12, byMs: endMs },
  ];
  book.left.add('b');
  book.checkEnds(ends);
  assert.equal(faults, []);
  book.left.delete('b');
  book.checkEnds(ends);
  assert.equal(faults, ['metadata/0: lease 7 of 100 ms has ended in several revisions: a in 9, b in 12']);
});

test.run();
