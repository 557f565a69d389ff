/** The machine against a model that has none of its structures; and what the state of earlier revisions is, as watchers and readers of pages see it. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeCommand } from '../../../src/actors/meta/codec/command-codec.ts';
import { decodeReply } from '../../../src/actors/meta/codec/reply-codec.ts';
import type { MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import { MetaMachine } from '../../../src/actors/meta/machine.ts';
import { DEFAULT_BOUNDS } from '../../../src/actors/meta/state/bounds.ts';
import { readRange } from '../../../src/actors/meta/state/range.ts';
import { recordBytes } from '../../../src/actors/meta/state/record.ts';
import { command, KEYS } from './arbitraries.ts';
import { Model, type ModelState, plain, plainRecord, shown } from './model.ts';

const test = suite('meta machine');

const run = (machine: MetaMachine, each: MetaCommand): MetaReply => decodeReply(machine.apply(encodeCommand(each)));
const put = (key: string, value = 'v', lease = 0): MetaCommand => ({
  type: 'write',
  puts: [{ key, value: Buffer.from(value), lease }],
  deletes: [],
});

function stateOf(machine: MetaMachine): unknown[] {
  return [...machine.keyspace.range('', '')].map(plainRecord);
}

function stateOfModel(state: ModelState): unknown[] {
  return [...state].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, record]) => shown(key, record));
}

function copyOf(machine: MetaMachine): MetaMachine {
  const copy = new MetaMachine();
  copy.beginRestore();
  for (const piece of { [Symbol.iterator]: () => machine.pieces() }) copy.restore(piece);
  return copy;
}

test('does what the model does, and goes on from a snapshot as if nothing had been', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), fc.nat(40), (commands, cut) => {
      const model = new Model();
      let machine = new MetaMachine();
      for (const [i, each] of commands.entries()) {
        if (i === cut) machine = copyOf(machine);
        // Now one leads, then the other.
        model.term = machine.term = 1 + (Math.floor(i / 5) % 2);
        assert.equal(plain(run(machine, each)), model.do(each));
        assert.is(machine.revision, model.revision);
        assert.equal(stateOf(machine), stateOfModel(model.now));
      }
      for (const [revision, state] of model.states.entries()) {
        const page = readRange(machine, { from: '', to: '', limit: 0, revision });
        // Revision 0 asks for the present.
        const expected = revision === 0 ? model.now : state;
        assert.is(page.type, 'page');
        if (page.type === 'page') assert.equal(page.records.map(plainRecord), stateOfModel(expected));
      }
      const leases = machine.leases.all().map(({ id, ttlMs, grant }) => ({ id, ttlMs, grant }));
      assert.equal(
        leases,
        [...model.leases].sort(([a], [b]) => a - b).map(([id, lease]) => ({ id, ...lease })),
      );
    }),
    { numRuns: 400 },
  );
});

test('the steps of the history lead from each state to the next, and nothing else does', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const model = new Model();
      const machine = new MetaMachine();
      machine.term = model.term;
      for (const each of commands) {
        run(machine, each);
        model.do(each);
      }
      const state = new Map<string, unknown>();
      for (let revision = 1; revision <= machine.revision; revision++) {
        const step = machine.history.step(revision);
        assert.is(step.revision, revision);
        assert.ok(step.changes.length > 0);
        assert.is(new Set(step.changes.map(({ key }) => key)).size, step.changes.length, 'a key is told once');
        for (const { key, before, after } of step.changes) {
          assert.equal(state.get(key), before && plainRecord(before));
          if (after === undefined) state.delete(key);
          else state.set(key, plainRecord(after));
        }
        assert.equal(
          [...state.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record),
          stateOfModel(model.states[revision]!),
        );
      }
    }),
    { numRuns: 200 },
  );
});

test('bounds of the history: old revisions are compacted, new ones are whole', () => {
  const machine = new MetaMachine({ ...DEFAULT_BOUNDS, history: { revisionsMax: 3, bytesMax: 1 << 20 } });
  for (let i = 1; i <= 10; i++) run(machine, put('k', String(i)));
  assert.is(machine.history.compacted, 7);
  assert.equal(readRange(machine, { from: '', to: '', limit: 0, revision: 6 }), { type: 'compacted', revision: 7 });
  assert.equal(readRange(machine, { from: '', to: '', limit: 0, revision: 11 }), { type: 'future', revision: 10 });
  const page = readRange(machine, { from: '', to: '', limit: 0, revision: 7 });
  assert.is(page.type === 'page' && Buffer.from(page.records[0]!.value!).toString(), '7');
  const small = new MetaMachine({ ...DEFAULT_BOUNDS, history: { revisionsMax: 1000, bytesMax: 3 * recordBytes(1, 100) } });
  for (let i = 1; i <= 10; i++) run(small, put('k', 'x'.repeat(100)));
  assert.is(small.history.compacted, 7);
});

test('pages of one revision are one state, whatever is written in between', () => {
  const machine = new MetaMachine();
  for (const key of KEYS) run(machine, put(key));
  const first = readRange(machine, { from: '', to: '', limit: 3, revision: 0 });
  assert.ok(first.type === 'page' && first.isMore);
  if (first.type !== 'page') return;
  for (const key of KEYS) run(machine, put(key, 'new'));
  run(machine, put('a/11', 'new'));
  run(machine, { type: 'write', puts: [], deletes: ['c'] });
  const rest = readRange(machine, { from: `${first.records.at(-1)!.key}\0`, to: '', limit: 0, revision: first.revision });
  assert.ok(rest.type === 'page' && !rest.isMore);
  if (rest.type !== 'page') return;
  assert.equal(
    [...first.records, ...rest.records].map(({ key, value }) => [key, Buffer.from(value!).toString()]),
    [...KEYS].sort().map((key) => [key, 'v']),
  );
});

test('a group that is full refuses what writes, not what deletes', () => {
  const machine = new MetaMachine({ ...DEFAULT_BOUNDS, bytesMax: 2 * recordBytes(1, 10) });
  assert.is(run(machine, put('a', '0123456789')).type, 'written');
  assert.is(run(machine, put('b', '0123456789')).type, 'written');
  assert.equal(run(machine, put('c', '1')), { type: 'refused', reason: 'full' });
  assert.is(machine.revision, 2, 'nothing of it is done');
  assert.is(run(machine, { type: 'write', puts: [], deletes: ['a'] }).type, 'written');
  assert.is(run(machine, put('c', '1')).type, 'written');
});

test('a lease is ended by a leader of the term in which that was decided, and never under the same id again', () => {
  const machine = new MetaMachine();
  const expire = (term: number, grant: number): MetaCommand => ({ type: 'expire', term, leases: [{ id: 7, grant }] });
  const nothing = { type: 'ended', revision: 1, ended: 0, deleted: 0 };
  run(machine, { type: 'grant', id: 7, ttlMs: 1000 });
  run(machine, put('k', 'v', 7));
  const first = machine.leases.get(7)!.grant;
  machine.term = 3;
  assert.equal(run(machine, expire(2, first)), nothing, 'who led before does not know of renewals');
  assert.equal(run(machine, expire(4, first)), nothing);
  assert.ok(machine.keyspace.get('k'));
  assert.equal(run(machine, expire(3, first)), { type: 'ended', revision: 2, ended: 1, deleted: 1 });
  assert.is(machine.keyspace.get('k'), undefined);
  run(machine, { type: 'grant', id: 7, ttlMs: 1000 });
  assert.equal(run(machine, expire(3, first)), { ...nothing, revision: 2 }, 'it is another lease');
  assert.is(machine.leases.size, 1);
});

test('leases are as many as are allowed, and no shorter or longer', () => {
  const machine = new MetaMachine({ ...DEFAULT_BOUNDS, leasesMax: 1 });
  assert.equal(run(machine, { type: 'grant', id: 0, ttlMs: 1 }), { type: 'refused', reason: 'bad_ttl' });
  assert.is(run(machine, { type: 'grant', id: 0, ttlMs: 1000 }).type, 'granted');
  assert.equal(run(machine, { type: 'grant', id: 0, ttlMs: 1000 }), { type: 'refused', reason: 'too_many_leases' });
});

test('what cannot be read is refused by every replica alike, and changes nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const machine = new MetaMachine();
      const twin = new MetaMachine();
      assert.equal(machine.apply(bytes), twin.apply(bytes));
      decodeReply(machine.apply(bytes));
    }),
    { numRuns: 2000 },
  );
});

test.run();
