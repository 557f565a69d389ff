import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from '../../../../src/actors/meta/client/open-call.ts';
import { failed, type Outcome } from '../../../../src/actors/meta/client/outcome.ts';
import type { WatchListener } from '../../../../src/actors/meta/client/watch.ts';
import { keyOf, type MetaRecord } from '../../../../src/actors/meta/state/record.ts';
import { RetainedFollower } from '../../../../src/actors/retained/shared/follower.ts';

const test = suite('retained follower');
const GROUP = 7;

function record(name: string, value: Uint8Array | undefined = Buffer.from(name)): MetaRecord {
  return { key: keyOf(`r/${name}`), value, valueBytes: 1, created: 1, modified: 1, version: 1, lease: 0 };
}

/** Answers what is asked in turn; the spec says what. */
class Bed {
  readonly asked: { readonly revision: number; readonly isStale: boolean; readonly then: (outcome: Outcome<Page>) => void }[] =
    [];
  readonly watched: { readonly since: number; readonly listener: WatchListener; isStopped: boolean }[] = [];
  readonly said: string[] = [];
  readonly follower = new RetainedFollower([GROUP], {
    client: {
      range: (_group, { revision }, isStale, then) => void this.asked.push({ revision, isStale, then }),
      watch: ({ since }, listener) => {
        const watch = { since, listener, isStopped: false };
        this.watched.push(watch);
        return {
          stop: () => {
            watch.isStopped = true;
          },
        };
      },
    },
    told: (name, value) => void this.said.push(value === undefined ? `-${name}` : `+${name}`),
    reached: (_group, revision) => void this.said.push(`to ${revision}`),
    readWhole: (_group, revision, names) => void this.said.push(`all ${[...names]} at ${revision}`),
    onRead: () => {},
  });

  answer(revision: number, records: readonly MetaRecord[], isMore = false): void {
    this.asked.at(-1)!.then({ isOk: true, value: { revision, records, isMore } });
  }

  take(): string[] {
    return this.said.splice(0);
  }
}

test('all pages are of the revision of the first, and the watch begins behind it', () => {
  const bed = new Bed();
  bed.follower.tick();
  bed.answer(5, [record('a'), record('b')], true);
  assert.not.ok(bed.follower.isLoaded);
  assert.is(bed.asked[1]!.revision, 5);
  bed.answer(5, [record('c')]);
  assert.equal(bed.take(), ['+a', '+b', '+c', 'all a,b,c at 5']);
  assert.ok(bed.follower.isLoaded);
  assert.is(bed.watched[0]!.since, 6);
  bed.watched[0]!.listener.changed([{ revision: 6, changes: [{ key: keyOf('r/a'), record: undefined }] }], 7);
  assert.equal(bed.take(), ['-a', 'to 7']);
  bed.follower.tick();
  assert.is(bed.asked.length, 2, 'nothing is due');
});

test('without a leader the nearest replica will do, but only until something is known', () => {
  const bed = new Bed();
  bed.follower.tick();
  bed.asked[0]!.then(failed('unavailable'));
  bed.follower.tick();
  assert.equal(
    bed.asked.map(({ isStale }) => isStale),
    [false, true],
  );
  bed.answer(5, [record('a')]);
  bed.watched[0]!.listener.compacted(9);
  for (let i = 0; i < 3; i++) {
    bed.follower.tick();
    bed.asked.at(-1)!.then(failed('unavailable'));
  }
  assert.equal(
    bed.asked.map(({ isStale }) => isStale),
    [false, true, false, false, false],
  );
});

test('what is compacted, or lies in the store alone, is read again, and nothing older than what is known is taken', () => {
  const bed = new Bed();
  bed.follower.tick();
  bed.answer(5, [record('a')]);
  const { listener } = bed.watched[0]!;
  listener.changed([{ revision: 6, changes: [{ key: keyOf('r/b'), record: { ...record('b'), value: undefined } }] }], 6);
  assert.equal(bed.take(), ['+a', 'all a at 5', 'to 6']);
  bed.follower.tick();
  assert.ok(bed.watched[0]!.isStopped);
  listener.changed([], 9);
  assert.equal(bed.take(), [], 'the former watch does not count');
  bed.answer(5, []);
  bed.follower.tick();
  bed.answer(6, [record('a'), record('b')]);
  assert.equal(bed.take(), ['+a', '+b', 'all a,b at 6']);
  bed.watched[1]!.listener.compacted(20);
  bed.follower.tick();
  assert.is(bed.asked.length, 4);
});

test.run();
