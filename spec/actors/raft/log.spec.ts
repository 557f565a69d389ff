import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Inflights } from '../../../src/actors/raft/core/inflights.ts';
import { bytesOf, type Entry, entryBytes } from '../../../src/actors/raft/entry.ts';
import { MemoryLog } from '../../../src/actors/raft/memory-log.ts';

const test = suite('raft log');

type Step =
  | { readonly do: 'append'; readonly sizes: readonly number[] }
  | { readonly do: 'truncate' | 'compact'; readonly at: number }
  | { readonly do: 'reset'; readonly at: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('append' as const), sizes: fc.array(fc.nat(30), { minLength: 1, maxLength: 400 }) }),
  fc.record({ do: fc.constantFrom('truncate' as const, 'compact' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ do: fc.constant('reset' as const), at: fc.nat(50) }),
);

test('a log is an array with a beginning', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(2000), (steps, bytesMax) => {
      const log = new MemoryLog();
      let snapshot = { index: 0, term: 0 };
      let model: Entry[] = [];
      let term = 1;
      for (const one of steps) {
        const last = snapshot.index + model.length;
        if (one.do === 'append') {
          const entries = one.sizes.map((size, i): Entry => ({ term, index: last + 1 + i, kind: 0, data: new Uint8Array(size) }));
          log.append(entries);
          model.push(...entries);
        } else if (one.do === 'reset') {
          snapshot = { index: last + one.at, term };
          model = [];
          log.reset(snapshot.index, snapshot.term);
        } else {
          const at = snapshot.index + Math.floor(one.at * model.length);
          if (one.do === 'truncate') {
            log.truncate(at + 1);
            model = model.slice(0, at - snapshot.index);
            term++;
          } else {
            log.compact(at);
            const compacted = model.slice(0, at - snapshot.index).at(-1);
            model = model.slice(at - snapshot.index);
            if (compacted !== undefined) snapshot = { index: at, term: compacted.term };
          }
        }
        check(log, snapshot, model, bytesMax);
      }
    }),
  );
});

function check(log: MemoryLog, snapshot: { index: number; term: number }, model: readonly Entry[], bytesMax: number): void {
  const last = snapshot.index + model.length;
  assert.equal([log.snapshotIndex, log.firstIndex, log.lastIndex], [snapshot.index, snapshot.index + 1, last]);
  assert.is(log.term(snapshot.index), snapshot.term);
  assert.is(log.term(snapshot.index - 1), -1);
  assert.is(log.term(last + 1), -1);
  if (model.length === 0) return;
  const middle = Math.floor(model.length / 2);
  assert.is(log.term(snapshot.index + 1 + middle), model[middle]!.term);
  assert.is(log.bytes(snapshot.index + 1 + middle, last), bytesOf(model.slice(middle)));
  const got = log.entries(snapshot.index + 1 + middle, last, bytesMax);
  assert.ok(got.length >= 1);
  assert.ok(got.every((entry, i) => entry === model[middle + i]));
  assert.ok(got.length === 1 || bytesOf(got) <= bytesMax);
  const next = model[middle + got.length];
  assert.ok(next === undefined || bytesOf(got) + entryBytes(next) > bytesMax);
}

test('a window frees in order, and is full by messages or by bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(50)), { maxLength: 60 }), (steps) => {
      const window = new Inflights(4, 100);
      let model: { index: number; bytes: number }[] = [];
      let index = 0;
      for (const [isAdd, value] of steps) {
        if (isAdd && !window.isFull()) {
          window.add(++index, value);
          model.push({ index, bytes: value });
        } else {
          const to = index - (value % 4);
          window.freeTo(to);
          model = model.filter((sent) => sent.index > to);
        }
        const bytes = model.reduce((sum, sent) => sum + sent.bytes, 0);
        assert.equal([window.count, window.bytes], [model.length, bytes]);
        assert.is(window.isFull(), model.length === 4 || bytes >= 100);
      }
    }),
  );
});

test.run();
