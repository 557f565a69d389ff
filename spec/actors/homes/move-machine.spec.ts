// The move of a session, against a model of its former home: whatever happens in whatever order, it begins here at most once, with all that there was, and is never in two places or in none.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MoveEffect, type MoveEvent, MoveMachine } from '../../../src/actors/homes/move-machine.ts';

const test = suite('the machine of a move');

const event: fc.Arbitrary<MoveEvent> = fc.oneof(
  fc.record({ type: fc.constant('departing' as const), end: fc.nat(20), unreached: fc.boolean() }),
  fc.record({ type: fc.constant('page' as const), next: fc.nat(30), isLast: fc.boolean() }),
  fc.record({ type: fc.constant('closed' as const), end: fc.nat(30) }),
  fc.record({
    type: fc.constantFrom('gone', 'busy', 'fenced', 'kept', 'claimed', 'followed', 'lost', 'failed'),
  }) as fc.Arbitrary<MoveEvent>,
);

/** What a machine has wanted so far, with the rules that hold at every step. */
class Watcher {
  readonly counts = new Map<string, number>();
  readonly machine: MoveMachine;
  readonly #isAdoption: boolean;
  isClaimed = false;

  constructor(isAdoption: boolean) {
    this.#isAdoption = isAdoption;
    this.machine = new MoveMachine(isAdoption);
    this.note(this.machine.begin());
  }

  count(type: MoveEffect['type']): number {
    return this.counts.get(type) ?? 0;
  }

  receive(event: MoveEvent): MoveEffect[] {
    if ((event.type === 'claimed' || event.type === 'followed') && this.machine.state === 'claiming') this.isClaimed = true;
    const effects = this.machine.receive(event);
    this.note(effects);
    return effects;
  }

  note(effects: readonly MoveEffect[]): void {
    for (const { type } of effects) this.counts.set(type, this.count(type) + 1);
    for (const once of ['keep', 'claim', 'begin', 'discard', 'answer', 'tellMoved', 'tellStay'] as const)
      assert.ok(this.count(once) <= 1, `${once} twice`);
    assert.ok(this.count('claim') <= this.count('keep'), 'what is claimed is on disk');
    assert.ok(this.count('begin') === 0 || this.isClaimed, 'nothing begins that is not claimed');
    assert.ok(this.count('discard') === 0 || !this.isClaimed, 'what is claimed is not dropped');
    assert.is(this.count('begin') + this.count('discard'), this.count('answer'), 'one end');
    assert.is(this.machine.state === 'done', this.count('answer') === 1);
    const told = this.count('tellMoved') + this.count('tellStay');
    assert.is(told, this.#isAdoption ? 0 : this.count('answer'), 'a former home that answers hears how it ended');
    assert.is(this.count('tellMoved'), this.#isAdoption ? 0 : this.count('begin'));
  }
}

test('whatever comes, there is one end, and the session is here exactly when it was claimed', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(event, { maxLength: 40 }), (isAdoption, events) => {
      const watcher = new Watcher(isAdoption);
      for (const each of events) watcher.receive(each);
      if (watcher.machine.state !== 'claiming') watcher.receive({ type: 'failed' });
      else watcher.receive({ type: 'lost' });
      assert.is(watcher.machine.state, 'done');
      assert.is(watcher.count('begin') === 1, watcher.isClaimed);
    }),
  );
});

test('a move that comes to its end has every message, however many come while it is under way', () => {
  fc.assert(
    fc.property(fc.nat(10), fc.array(fc.nat(4), { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (start, growth, pageMax) => {
      let end = start + growth.length;
      const first = start;
      const copied: number[] = [];
      const watcher = new Watcher(false);
      watcher.machine.offset = first;
      let isClosed = false;
      const todo: MoveEffect[] = watcher.receive({ type: 'departing', end, unreached: false });
      for (let effect = todo.shift(); effect !== undefined; effect = todo.shift()) {
        if (!isClosed) end += growth.shift() ?? 0;
        if (effect.type === 'askPage') {
          assert.is(effect.offset, first + copied.length, 'no gap and nothing twice');
          const next = Math.min(end, effect.offset + pageMax);
          for (let at = effect.offset; at < next; at++) copied.push(at);
          todo.push(...watcher.receive({ type: 'page', next, isLast: next >= end }));
        } else if (effect.type === 'fence') todo.push(...watcher.receive({ type: 'fenced' }));
        else if (effect.type === 'close') {
          isClosed = true;
          todo.push(...watcher.receive({ type: 'closed', end }));
        } else if (effect.type === 'keep') {
          assert.ok(isClosed, 'nothing is missing when it is kept');
          assert.is(copied.length, end - first);
          todo.push(...watcher.receive({ type: 'kept' }));
        } else if (effect.type === 'claim') todo.push(...watcher.receive({ type: 'claimed' }));
      }
      assert.is(watcher.count('begin'), 1);
      assert.is(copied.length, end - first);
    }),
  );
});

test('a former home that is gone is done without, one that others reach is waited for', () => {
  const gone = new Watcher(false);
  assert.equal(gone.receive({ type: 'gone' }).at(-1), { type: 'answer', result: 'adopt' });
  const apart = new Watcher(false);
  assert.equal(apart.receive({ type: 'departing', end: 3, unreached: true }).at(-1), { type: 'answer', result: 'again' });
  const overtaken = new Watcher(true);
  overtaken.receive({ type: 'kept' });
  assert.equal(overtaken.receive({ type: 'lost' }).at(-1), { type: 'answer', result: 'again' });
  const followed = new Watcher(false);
  for (const type of ['departing', 'page', 'fenced', 'closed', 'kept'] as const)
    followed.receive({ type, end: 0, next: 0, unreached: false, isLast: true } as MoveEvent);
  assert.equal(
    followed.receive({ type: 'followed' }),
    [{ type: 'begin' }, { type: 'tellMoved' }, { type: 'answer', result: 'again' }],
    'what has come is given on from here',
  );
  const late = new Watcher(true);
  late.receive({ type: 'kept' });
  late.receive({ type: 'claimed' });
  assert.equal(late.receive({ type: 'failed' }), [{ type: 'begin' }, { type: 'answer', result: 'here' }], 'claimed is ours');
});

test.run();
