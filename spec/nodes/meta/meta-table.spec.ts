import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyOf } from '../../../src/actors/meta/state/record.ts';
import type { SluiceError } from '../../../src/base/errors.ts';
import { type Changes, MetaTable } from '../../../src/nodes/meta/meta-table.ts';
import { until } from '../../e2e/until.ts';
import { FakeSource } from './fake-source.ts';

const test = suite('tables of the metadata');

interface Bed {
  readonly table: MetaTable<number>;
  readonly told: Changes<number>[];
  readonly unreadable: string[];
}

function bed(onChange: (changes: Changes<number>) => Promise<void> = async () => {}): Bed {
  const told: Changes<number>[] = [];
  const unreadable: string[] = [];
  const table = new MetaTable<number>({
    prefix: 'n/',
    group: 1,
    encode: (value) => Buffer.from(String(value)),
    decode: (bytes) => (/^\d+$/.test(String(bytes)) ? Number(String(bytes)) : undefined),
    onChange: async (changes) => {
      told.push(changes);
      await onChange(changes);
    },
    onUnreadable: (name) => unreadable.push(name),
  });
  return { table, told, unreadable };
}

const put = (source: FakeSource, name: string, value: string): Promise<unknown> =>
  source.command(1, {
    type: 'claim',
    claims: [{ key: keyOf(`n/${name}`), expected: -1, value: Buffer.from(value), lease: 0 }],
    wantsBefore: false,
  });

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'none',
    (error: SluiceError) => error.code,
  );
}

test('everything is read, page by page, and then followed', async () => {
  const source = new FakeSource();
  for (let i = 0; i < 10; i++) await put(source, `${i}`, String(i));
  const { table, told } = bed();
  assert.is(await codeOf(table.update('x', () => 1)), 'SLUICE_META_UNAVAILABLE', 'nothing is known yet');
  table.start(source);
  await table.loaded;
  assert.is(table.entries.size, 10);
  assert.is(told.length, 1);
  await put(source, 'ä', '7');
  await until('it has come', () => table.entries.get('ä') === 7);
  assert.ok(await table.update('ä', () => null));
  assert.not(table.entries.has('ä'));
  assert.equal(told.at(-1), new Map([['ä', undefined]]));
  table.close();
});

test('an empty table is loaded too, and says so', async () => {
  const { table, told } = bed();
  table.start(new FakeSource());
  await table.loaded;
  assert.equal(told, [new Map()]);
  table.close();
});

test('without a leader it is read again and again; a change says that nothing was done', async () => {
  const source = new FakeSource();
  source.isAway = true;
  const { table } = bed();
  table.start(source, new Map([['a', 1]]));
  assert.is(await codeOf(table.update('x', () => 1)), 'SLUICE_META_UNAVAILABLE');
  source.isAway = false;
  await table.loaded;
  assert.equal(table.entries, new Map([['a', 1]]));
  table.close();
});

test('what is brought does not replace what is there', async () => {
  const source = new FakeSource();
  await put(source, 'a', '1');
  const { table } = bed();
  table.start(
    source,
    new Map([
      ['a', 5],
      ['b', 6],
    ]),
  );
  await table.loaded;
  assert.equal(
    table.entries,
    new Map([
      ['a', 1],
      ['b', 6],
    ]),
  );
  table.close();
});

test('a change is done when it is in force, changes that come meanwhile wait', async () => {
  const source = new FakeSource();
  const release: (() => void)[] = [];
  const { table, told } = bed((changes) =>
    changes.size === 0 ? Promise.resolve() : new Promise((resolve) => release.push(resolve)),
  );
  table.start(source);
  await table.loaded;
  let isDone = false;
  const change = table.update('a', () => 1).then(() => (isDone = true));
  await until('it is told', () => release.length === 1);
  await put(source, 'b', '2');
  assert.not(isDone);
  assert.is(told.length, 2);
  release[0]!();
  await change;
  await until('the next one is told', () => release.length === 2);
  release[1]!();
  table.close();
});

test('a value that nobody can read leaves what was, and can be replaced', async () => {
  const source = new FakeSource();
  await put(source, 'a', '1');
  const { table, unreadable } = bed();
  table.start(source);
  await table.loaded;
  await put(source, 'a', 'nonsense');
  await until('it is noticed', () => unreadable.length === 1);
  assert.is(table.entries.get('a'), 1);
  assert.ok(await table.update('a', () => 3));
  assert.is(table.entries.get('a'), 3);
  table.close();
});

test('what was compacted is read anew: what is gone meanwhile is gone', async () => {
  const source = new FakeSource();
  await put(source, 'a', '1');
  await put(source, 'b', '1');
  const { table, told } = bed();
  table.start(source);
  await table.loaded;
  source.records.delete(keyOf('n/a'));
  source.revision++;
  source.compact();
  await until('it is read anew', () => told.length === 2);
  assert.equal(told[1], new Map([['a', undefined]]));
  assert.equal(table.entries, new Map([['b', 1]]));
  table.close();
});

test('who is overtaken for ever is told', async () => {
  const source = new FakeSource();
  const { table } = bed();
  table.start(source);
  await table.loaded;
  const overtaken = table.update('a', (before = 0) => {
    const key = keyOf('n/a');
    const revision = ++source.revision;
    source.records.set(key, {
      key,
      value: Buffer.from('9'),
      valueBytes: 1,
      created: 1,
      modified: revision,
      version: 1,
      lease: 0,
    });
    return before + 1;
  });
  assert.is(await codeOf(overtaken), 'SLUICE_META_CONFLICT');
  table.close();
});

test('changes of several nodes at once: none is lost, all end with the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom('a', 'b', 'c')), { maxLength: 30 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      async (changes, turns) => {
        const source = new FakeSource(async () => {
          for (let left = turns.next().value as number; left > 0; left--) await new Promise(setImmediate);
        });
        const beds = [bed(), bed(), bed()];
        for (const { table } of beds) table.start(source);
        await Promise.all(beds.map(({ table }) => table.loaded));
        await Promise.all(changes.map(([node, name]) => beds[node]!.table.update(name, (before = 0) => before + 1)));
        const expected = new Map<string, number>();
        for (const [, name] of changes) expected.set(name, (expected.get(name) ?? 0) + 1);
        const sorted = (map: ReadonlyMap<string, number>): unknown => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
        for (const { table } of beds) {
          const isThere = (): boolean => JSON.stringify(sorted(table.entries)) === JSON.stringify(sorted(expected));
          await until('every node has all', isThere);
          table.close();
        }
        assert.is(source.revision, changes.length, 'each change is one revision');
      },
    ),
    { numRuns: 50 },
  );
});

test.run();
