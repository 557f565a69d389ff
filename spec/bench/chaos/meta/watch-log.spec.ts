/** The judge of watches must convict one that was told too much, too little, in another order or something else than was there, and no other. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GONE, Story } from '../../../../bench/chaos/meta/story.ts';
import { valueWith } from '../../../../bench/chaos/meta/value.ts';
import { WatchLog } from '../../../../bench/chaos/meta/watch-log.ts';
import type { WatchedStep } from '../../../../src/actors/meta/codec/answer-codec.ts';
import { MetaMachine } from '../../../../src/actors/meta/machine.ts';
import type { MetaRecord } from '../../../../src/actors/meta/state/record.ts';

const test = suite('chaos watches');
const KEYS = ['k/a', 'k/b', 'k/c', 'k/d'] as const;

/** Some keys are put, others deleted. */
const writes = fc.array(
  fc.record({
    puts: fc.uniqueArray(fc.constantFrom(...KEYS), { maxLength: 3 }),
    deletes: fc.uniqueArray(fc.constantFrom(...KEYS), { maxLength: 2 }),
  }),
  { minLength: 3, maxLength: 25 },
);

interface Happened {
  readonly machine: MetaMachine;
  readonly steps: readonly WatchedStep[];
  /** All keys after each revision. */
  readonly states: readonly (readonly MetaRecord[])[];
}

function happen(all: readonly { readonly puts: readonly string[]; readonly deletes: readonly string[] }[]): Happened {
  const machine = new MetaMachine();
  const steps: WatchedStep[] = [];
  const states: MetaRecord[][] = [[]];
  machine.observe({
    stepped: ({ revision, changes }) => {
      steps.push({ revision, changes: changes.map(({ key, after }) => ({ key, record: after })) });
      states.push([...machine.keyspace.range('', '')]);
    },
    leased: () => {},
  });
  for (const [i, { puts, deletes }] of all.entries()) {
    machine.do({
      type: 'write',
      puts: puts.map((key) => ({ key, value: valueWith(`w.${i}`), lease: 0 })),
      deletes: deletes.filter((key) => !puts.includes(key)),
    });
  }
  return { machine, steps, states };
}

class Watched {
  readonly faults: string[] = [];
  readonly story: Story;
  readonly log: WatchLog;

  constructor() {
    this.story = new Story('data/0', (fault) => this.faults.push(fault));
    for (let i = 0; i < 30; i++) this.story.sent(`w.${i}`);
    this.log = new WatchLog('the watcher', this.story, 'k/', 'k0', (fault) => this.faults.push(fault));
  }

  /** What those know who wrote it. */
  written({ steps }: Happened): void {
    for (const { revision, changes } of steps) {
      for (const { key, record } of changes) {
        const tag = record === undefined ? GONE : Buffer.from(record.value!).toString().split('|')[0]!;
        this.story.tell(revision, key, tag, 'its writer');
      }
    }
  }

  judge({ states, machine }: Happened): readonly string[] {
    this.log.checkHoles();
    this.log.checkEnd(states.at(-1)!, machine.revision);
    this.story.check();
    return this.faults;
  }
}

test('a watcher that was told what there was, in whatever pieces, is never convicted', () => {
  fc.assert(
    fc.property(writes, fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 }), fc.nat(25), (all, pieces, lost) => {
      const happened = happen(all);
      const watched = new Watched();
      watched.written(happened);
      let at = 0;
      for (const [i, size] of [...pieces, happened.steps.length].entries()) {
        // Its place is compacted: it reads what is there, and goes on.
        if (i === lost && at < happened.steps.length) {
          at = Math.min(happened.steps.length, at + 2);
          watched.log.reset(happened.states[at]!, at);
          continue;
        }
        const end = Math.min(happened.steps.length, at + size);
        watched.log.changed(happened.steps.slice(at, end), end, i);
        at = end;
      }
      if (at < happened.steps.length) watched.log.changed(happened.steps.slice(at), happened.steps.length, 99);
      assert.equal(watched.judge(happened), []);
    }),
  );
});

type Planted = (steps: WatchedStep[], at: number) => void;

const FAULTS: Readonly<Record<string, Planted>> = {
  'a step is left out': (steps, at) => void steps.splice(at, 1),
  'a step comes twice': (steps, at) => void steps.splice(at, 0, steps[at]!),
  'two steps are swapped': (steps, at) => {
    const other = (at + 1) % steps.length;
    [steps[at], steps[other]] = [steps[other]!, steps[at]!];
  },
  'a step is of the next revision': (steps, at) => (steps[at] = { ...steps[at]!, revision: steps[at]!.revision + 1 }),
  'a change is left out': (steps, at) => (steps[at] = { ...steps[at]!, changes: steps[at]!.changes.slice(1) }),
  'a deletion is told as one of another key': (steps, at) =>
    (steps[at] = { ...steps[at]!, changes: [...steps[at]!.changes, { key: 'k/never', record: undefined }] }),
  'a value is another one': (steps, at) =>
    (steps[at] = {
      ...steps[at]!,
      changes: steps[at]!.changes.map(({ key, record }) => ({ key, record: record && { ...record, value: valueWith('w.29') } })),
    }),
  'a value is damaged': (steps, at) =>
    (steps[at] = {
      ...steps[at]!,
      changes: steps[at]!.changes.map(({ key, record }) => ({
        key,
        record: record && { ...record, value: Buffer.from('w.1|w.2|') },
      })),
    }),
};

for (const [name, plant] of Object.entries(FAULTS)) {
  test(`${name}: always found`, () => {
    fc.assert(
      fc.property(writes, fc.nat(), fc.boolean(), (all, where, isWhole) => {
        const happened = happen(all);
        const at = where % Math.max(1, happened.steps.length);
        // Some of it shows in values only.
        fc.pre(
          happened.steps.length > 2 &&
            (!name.startsWith('a value') || happened.steps[at]!.changes.some(({ record }) => record !== undefined)),
        );
        const watched = new Watched();
        watched.written(happened);
        const steps = [...happened.steps];
        plant(steps, at);
        if (isWhole) watched.log.changed(steps, happened.machine.revision, 1);
        else for (const step of steps) watched.log.changed([step], step.revision, step.revision);
        watched.log.changed([], happened.machine.revision, 99);
        assert.ok(watched.judge(happened).length > 0);
      }),
    );
  });
}

test('a hole that no other client knows of is found when the key changes again, and one in the last change by what is there', () => {
  const happened = happen([
    { puts: ['k/a'], deletes: [] },
    { puts: ['k/a', 'k/b'], deletes: [] },
    { puts: ['k/a'], deletes: [] },
  ]);
  const watched = new Watched();
  watched.log.changed([happened.steps[0]!, happened.steps[2]!], 3, 1);
  assert.is(watched.faults.length, 1);
  assert.match(watched.faults[0]!, /is told in revision 3 that k\/a is .*"version":3.* before that it was .*"version":1/);
  assert.match(watched.judge(happened).at(-1)!, /believes in the end that k\/b is undefined/);
});

test('what is told twice must be told alike, and written by somebody who was not told that it was not', () => {
  const faults: string[] = [];
  const story = new Story('data/0', (fault) => faults.push(fault));
  for (const tag of ['a.1', 'a.2']) story.sent(tag);
  story.tell(4, 'k', 'a.1', 'one');
  story.tell(4, 'k', 'a.1', 'another');
  assert.equal(faults, []);
  story.tell(4, 'k', 'a.2', 'a third');
  story.tell(5, 'k', 'a.3', 'a fourth');
  story.undone('a.1', 'busy');
  story.check();
  assert.equal(faults, [
    'data/0: revision 4 made of k a.1 to one, and a.2 to a third',
    'data/0: a fourth was told that k is a.3, which nobody wrote',
    'data/0: a.1 of k was said not to be done (busy), and one has seen it in revision 4',
  ]);
});

test('a revision is there from when anybody has heard of it or of a later one', () => {
  const story = new Story('data/0', () => {});
  for (const [revision, atMs] of [
    [3, 10],
    [2, 11],
    [7, 20],
  ] as const)
    story.known(revision, atMs);
  assert.equal(
    [1, 3, 4, 7, 8].map((revision) => story.thereByMs(revision)),
    [10, 10, 20, 20, Number.POSITIVE_INFINITY],
  );
  assert.is(story.newest, 7);
});

test.run();
