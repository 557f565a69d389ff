// The entries of a node's sessions against a directory that others change too, answers late, or does not: nothing is written over what somebody else has written.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Claimed, Directory } from '../../../src/actors/homes/directory.ts';
import { Entries } from '../../../src/actors/homes/entries.ts';
import { decodeEntry, encodeEntry, hasExpired } from '../../../src/actors/homes/entry.ts';
import type { HomeNote } from '../../../src/actors/homes/notes.ts';

const test = suite('entries of sessions');

type Mood = 'well' | 'away' | 'done, not said' | 'not done, not said';

class Bed {
  readonly stored = new Map<string, { revision: number; value: Uint8Array }>();
  readonly open: (() => void)[] = [];
  readonly lives = new Map<string, HomeNote>();
  readonly taken: string[] = [];
  /** What becomes of what is asked next: nobody answers a question, a change is not done, or nobody says whether it was. */
  mood: Mood = 'well';
  #revision = 0;
  #lives = 0;
  readonly entries: Entries;

  constructor() {
    const directory: Directory = {
      get: (clientId, then) =>
        this.open.push(() => {
          const { revision = 0, value = undefined } = this.stored.get(clientId) ?? {};
          then(this.mood === 'away' ? undefined : { revision, value });
        }),
      flush: () => {},
      claim: (clientId, revision, value, then) =>
        this.open.push(() => {
          if (this.mood === 'away') return then({ type: 'unavailable' });
          const claimed = this.mood === 'not done, not said' ? null : this.claim(clientId, revision, value);
          then(this.mood === 'well' ? claimed! : { type: 'unknown' });
        }),
    };
    this.entries = new Entries({
      node: 1,
      directory,
      newLife: () => `life ${++this.#lives}`,
      noteLife: (clientId, identity) => {
        if (identity === undefined) this.lives.delete(clientId);
        else this.lives.set(clientId, { life: identity.life, epoch: identity.epoch });
      },
      onTaken: (clientId) => this.taken.push(clientId),
    });
  }

  claim(clientId: string, revision: number, value: Uint8Array | undefined): Claimed {
    if ((this.stored.get(clientId)?.revision ?? 0) !== revision) return { type: 'taken' };
    const made = ++this.#revision;
    if (value === undefined) this.stored.delete(clientId);
    else this.stored.set(clientId, { revision: made, value });
    return { type: 'done', revision: made };
  }

  answer(): boolean {
    const next = this.open.shift();
    next?.();
    return next !== undefined;
  }

  settle(): void {
    while (this.answer());
  }

  recordAt(clientId: string): string | undefined {
    const value = this.stored.get(clientId)?.value;
    return value && Buffer.from(decodeEntry(value)!.record).toString();
  }
}

test('the last record is there in the end, and everybody is told once whether it is', () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('keep' as const), text: fc.string() }),
    fc.record({ op: fc.constantFrom('answer' as const, 'forget' as const, 'tick' as const) }),
    fc.record({
      op: fc.constant('mood' as const),
      mood: fc.constantFrom<Mood>('well', 'away', 'done, not said', 'not done, not said'),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const bed = new Bed();
      let asked = 0;
      let told = 0;
      let last: string | undefined;
      for (const each of steps) {
        if (each.op === 'keep') {
          asked++;
          last = each.text;
          bed.entries.keep('c', Buffer.from(each.text), () => told++);
        } else if (each.op === 'forget') {
          bed.entries.forget('c');
          last = undefined;
        } else if (each.op === 'answer') bed.answer();
        else if (each.op === 'tick') bed.entries.tick();
        else if (each.op === 'mood') bed.mood = each.mood;
      }
      bed.mood = 'well';
      bed.settle();
      bed.entries.tick();
      bed.settle();
      assert.is(told, asked);
      if (last === undefined) assert.is(bed.recordAt('c'), undefined, 'what is over is not found');
      else bed.entries.keep('c', Buffer.from(last), undefined);
      bed.settle();
      assert.is(bed.recordAt('c'), last);
      assert.equal(bed.taken, []);
      assert.is(bed.lives.has('c'), last !== undefined);
    }),
  );
});

test('what is kept behind an end of which nobody said whether it was done is there', () => {
  const bed = new Bed();
  bed.entries.keep('c', Buffer.from('before'), undefined);
  bed.settle();
  bed.entries.forget('c');
  bed.mood = 'done, not said';
  bed.answer();
  let isKept: boolean | undefined;
  bed.entries.keep('c', Buffer.from('after'), (kept) => {
    isKept = kept;
  });
  bed.mood = 'well';
  bed.settle();
  assert.is(isKept, true);
  assert.is(bed.recordAt('c'), 'after');
  assert.equal(bed.taken, []);
});

test('an entry that has another home is left alone, and that is noticed', () => {
  const bed = new Bed();
  bed.entries.keep('c', Buffer.from('first'), undefined);
  bed.settle();
  const { revision, value } = bed.stored.get('c')!;
  const theirs = { ...decodeEntry(value)!, home: 2, epoch: 2 };
  assert.is(bed.claim('c', revision, encodeEntry(theirs)).type, 'done');
  let isKept: boolean | undefined;
  bed.entries.keep('c', Buffer.from('second'), (kept) => {
    isKept = kept;
  });
  bed.settle();
  assert.is(isKept, false);
  assert.equal(bed.taken, ['c']);
  assert.is(bed.recordAt('c'), 'first');
});

test('an entry that was only written anew, or of which nobody said whether it was changed, is changed all the same', () => {
  for (const mood of ['well', 'done, not said', 'not done, not said'] as const) {
    const bed = new Bed();
    bed.entries.keep('c', Buffer.from('first'), undefined);
    bed.settle();
    const { revision, value } = bed.stored.get('c')!;
    if (mood === 'well') assert.is(bed.claim('c', revision, value).type, 'done');
    bed.mood = mood;
    let isKept: boolean | undefined;
    bed.entries.keep('c', Buffer.from('second'), (kept) => {
      isKept = kept;
    });
    bed.answer();
    bed.mood = 'well';
    bed.settle();
    assert.is(isKept, true, mood);
    assert.equal(bed.taken, []);
    assert.is(bed.recordAt('c'), 'second');
  }
});

test('a session that leaves is changed no more, once what is under way is done', () => {
  const bed = new Bed();
  bed.entries.keep('c', Buffer.from('first'), undefined);
  const entry = bed.entries.get('c')!;
  let isIdle = false;
  let isKept: boolean | undefined;
  bed.entries.freeze(entry, () => {
    isIdle = true;
  });
  bed.entries.keep('c', Buffer.from('second'), (kept) => {
    isKept = kept;
  });
  assert.is(isKept, false);
  assert.not(isIdle);
  bed.settle();
  assert.ok(isIdle);
  assert.is(entry.revision, bed.stored.get('c')!.revision);
});

test('who begins anew has another life; bytes of somebody else are no entry', () => {
  const bed = new Bed();
  bed.entries.keep('c', Buffer.from('x'), undefined);
  const before = bed.lives.get('c')!.life;
  bed.entries.renew('c');
  assert.is.not(bed.lives.get('c')!.life, before);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => assert.is(decodeEntry(bytes), undefined)));
});

test('a session has expired when its home said since when it was alone', () => {
  const record = {
    version: 1,
    clientId: 'c',
    shard: 1,
    expirySeconds: 10,
    offlineSince: 1000,
    will: null,
    subscriptions: [],
  } as const;
  assert.not(hasExpired(record, 10_999, 0xffffffff));
  assert.ok(hasExpired(record, 11_000, 0xffffffff));
  assert.not(hasExpired({ ...record, offlineSince: 0 }, 1e12, 0xffffffff), 'nobody knows');
  assert.not(hasExpired({ ...record, expirySeconds: 0xffffffff }, 1e12, 0xffffffff), 'never');
});

test.run();
