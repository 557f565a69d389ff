// The undertaker alone, over a register in memory that answers at once: what it remembers is bounded, and what others do meanwhile counts.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Claimed, Place, Register } from '../../../src/actors/homes/directory.ts';
import { decodeEntry, encodeEntry, recordOf } from '../../../src/actors/homes/entry.ts';
import { type LostNodes, Undertaker } from '../../../src/actors/homes/undertaker.ts';
import { encodeSession } from '../../../src/actors/session/record.ts';
import { UNDERTAKER_BATCH, UNDERTAKER_DUE_MAX } from '../../../src/base/limits.ts';
import type { Will } from '../../../src/wire/mqtt/packets.ts';

const test = suite('undertaker');

const NONE = new Uint8Array(0);
const SINCE = 1_000_000;

class Bed {
  readonly entries = new Map<string, { revision: number; value: Uint8Array }>();
  readonly published: string[] = [];
  readonly counts = { mourned: 0, buried: 0 };
  lost: LostNodes | undefined = new Map([[2, SINCE]]);
  nowMs = SINCE;
  pages = 0;
  /** What becomes of claims instead. */
  answer: Claimed | undefined;
  /** Before a claim is looked at. */
  onClaim: () => void = () => {};
  #revision = 0;
  #all: string[] = [];
  readonly undertaker: Undertaker;

  constructor() {
    const register: Register = {
      flush: () => {},
      get: (clientId, then) => then({ revision: 0, value: undefined, ...this.entries.get(clientId) }),
      claim: (clientId, revision, value, then) => {
        this.onClaim();
        if (this.answer !== undefined) return then(this.answer);
        if (this.entries.get(clientId)?.revision !== revision) return then({ type: 'taken' });
        if (value === undefined) this.entries.delete(clientId);
        else this.entries.set(clientId, { revision: ++this.#revision, value });
        then({ type: 'done', revision: this.#revision });
      },
      scan: (after: Place | undefined, then) => {
        this.pages++;
        const start = Number(after?.from ?? 0);
        if (start === 0) this.#all = [...this.entries.keys()];
        const page = this.#all.slice(start, start + 1000);
        const entries = page.map((clientId) => ({ clientId, value: this.entries.get(clientId)!.value }));
        then({ entries, next: start + 1000 < this.#all.length ? { group: 1, from: String(start + 1000) } : undefined });
      },
    };
    this.undertaker = new Undertaker({
      registers: [register],
      lostNodes: (then) => then(this.lost),
      wallClock: () => this.nowMs,
      publish: (clientId) => this.published.push(clientId),
      count: (what) => void this.counts[what]++,
    });
  }

  put(clientId: string, expirySeconds: number, delaySeconds?: number, home = 2): void {
    const will =
      delaySeconds === undefined
        ? null
        : ({ topic: 't', payload: NONE, properties: NONE, qos: 0, retain: false, delaySeconds } as Will);
    const record = encodeSession({ version: 1, clientId, shard: 7, expirySeconds, offlineSince: 0, will, subscriptions: [] });
    this.entries.set(clientId, {
      revision: ++this.#revision,
      value: encodeEntry({ home, life: 'x', epoch: 3, moves: [], record }),
    });
  }

  after(seconds: number, ticks = 1): void {
    this.nowMs += seconds * 1000;
    for (let i = 0; i < ticks; i++) this.undertaker.tick();
  }
}

test('entries of the living stay; what is left of the others is as it was, but for the will', () => {
  const bed = new Bed();
  bed.put('living', 0, 0, 1);
  bed.put('dead', 100, 0);
  bed.put('for ever', 0xffff_ffff);
  bed.after(1, 3);
  assert.equal(bed.published, ['dead']);
  const entry = decodeEntry(bed.entries.get('dead')!.value)!;
  assert.equal([entry.home, entry.life, entry.epoch, entry.isMourned], [2, 'x', 3, true]);
  const { will, offlineSince, shard, expirySeconds } = recordOf(entry)!;
  assert.equal([will, offlineSince, shard, expirySeconds], [null, SINCE, 7, 100]);
  bed.after(100, 3);
  assert.equal([...bed.entries.keys()], ['living', 'for ever']);
  assert.equal(bed.counts, { mourned: 1, buried: 1 });
  assert.equal(bed.published, ['dead']);
});

test('all entries are looked at once for a death, and no more while there is nothing to do', () => {
  const bed = new Bed();
  for (let i = 0; i < 1500; i++) bed.put(`c${i}`, 1000);
  bed.after(1, 50);
  assert.is(bed.pages, 2);
  bed.lost = new Map([
    [2, SINCE],
    [3, SINCE + 5000],
  ]);
  bed.after(1, 50);
  assert.is(bed.pages, 4, 'another one');
  bed.lost = new Map();
  bed.after(2000, 50);
  assert.is(bed.entries.size, 1500, 'they are back');
});

test('who is no longer the one to do it does nothing', () => {
  const bed = new Bed();
  bed.put('dead', 10, 5);
  bed.after(1);
  bed.lost = undefined;
  bed.after(100, 5);
  assert.equal([bed.published.length, bed.entries.size], [0, 1]);
  bed.lost = new Map([[2, SINCE]]);
  bed.after(1, 3);
  assert.equal([bed.published, bed.entries.size], [['dead'], 0]);
});

test('a claim that somebody else was faster with, or of which nobody has heard, publishes nothing', () => {
  for (const answer of [{ type: 'taken' }, { type: 'unavailable' }, { type: 'unknown' }] as const) {
    const bed = new Bed();
    bed.put('dead', 1000, 0);
    bed.answer = answer;
    bed.after(1, 3);
    assert.equal(bed.published, [], answer.type);
    bed.answer = undefined;
    // Its client has gone on elsewhere meanwhile, or has not.
    if (answer.type === 'taken') bed.put('dead', 1000, 0, 1);
    bed.after(2, 3);
    assert.equal(bed.published, answer.type === 'taken' ? [] : ['dead'], answer.type);
  }
  const bed = new Bed();
  bed.put('dead', 1000, 0);
  bed.onClaim = () => bed.put('dead', 1000, 0, 1);
  bed.after(1, 3);
  assert.equal(bed.published, []);
});

test('more than can be remembered is done as well, a bounded number at a time', () => {
  const bed = new Bed();
  const count = UNDERTAKER_DUE_MAX + 1000;
  for (let i = 0; i < count; i++) bed.put(`c${i}`, 10);
  bed.after(1);
  assert.is((bed.undertaker.inspect() as { due: number }).due, UNDERTAKER_DUE_MAX);
  bed.after(100);
  assert.is(bed.counts.buried, UNDERTAKER_BATCH);
  bed.after(0, Math.ceil(count / UNDERTAKER_BATCH) + 5);
  assert.equal([bed.counts.buried, bed.entries.size], [count, 0]);
});

test.run();
