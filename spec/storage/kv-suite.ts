/** What every driver of the local store does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KV_SCAN_ENTRIES_MAX } from '../../src/base/limits.ts';
import type { KvOp, KvRange, KvReader, LocalKv } from '../../src/storage/kv/local-kv.ts';
import { KvTable } from '../../src/storage/kv/table.ts';
import { codeOf } from './kv/in-directory.ts';

export interface KvUnderTest {
  open(directory: string): Promise<LocalKv>;
  /** Whether a store that is closed and opened again holds what it held. */
  readonly isDurable: boolean;
  readonly histories: number;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const put = (key: string, value: string): KvOp => ({ type: 'put', key: bytes(key), value: bytes(value) });
const del = (key: string): KvOp => ({ type: 'delete', key: bytes(key) });
const delRange = (start: string, end: string): KvOp => ({ type: 'deleteRange', start: bytes(start), end: bytes(end) });
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1');

async function scanned(reader: KvReader, range: KvRange = {}): Promise<string[]> {
  return (await reader.scan(range)).map(({ key, value }) => `${text(key)}=${text(value)}`);
}

export function kvSuite(name: string, how: KvUnderTest): ReturnType<typeof suite> {
  const test = suite(`local store ${name}`);
  const spec = (what: string, body: (kv: LocalKv, directory: string) => Promise<void>): void => {
    test(what, async () => {
      const parent = mkdtempSync(join(tmpdir(), 'sluice-kv-'));
      const kv = await how.open(join(parent, 'store'));
      await body(kv, parent);
      await kv.close();
      rmSync(parent, { recursive: true });
    });
  };
  addBatches(spec);
  addScans(spec);
  addSnapshots(spec, how);
  addHistories(spec, how);
  return test;
}

type Spec = (what: string, body: (kv: LocalKv, directory: string) => Promise<void>) => void;

function addBatches(spec: Spec): void {
  spec('puts, gets and deletes; empty values and binary keys are values and keys', async (kv) => {
    await kv.batch([put('a', '1'), put('b', ''), put('\0\xff\0', '\xff\0')], { sync: false });
    assert.equal((await kv.getMany([bytes('a'), bytes('nothing'), bytes('b'), bytes('\0\xff\0')])).map(text), [
      '1',
      undefined,
      '',
      '\xff\0',
    ]);
    assert.is(text(await kv.get(bytes('a'))), '1');
    assert.is(await kv.get(bytes('A')), undefined);
    assert.equal(await kv.getMany([]), []);
    await kv.batch([del('a'), del('never')], { sync: true });
    assert.is(await kv.get(bytes('a')), undefined);
    await kv.batch([], { sync: true });
  });

  spec('operations of a batch count in their order', async (kv) => {
    await kv.batch([put('a', '1'), del('a'), put('b', '1'), put('b', '2'), put('c', '1'), delRange('b', 'd'), put('c', '3')], {
      sync: false,
    });
    assert.equal(await scanned(kv), ['c=3']);
  });

  spec('deletes a range to before its end; an empty or inverted one is nothing', async (kv) => {
    await kv.batch(
      ['a', 'b', 'bb', 'c', 'd'].map((key) => put(key, key)),
      { sync: false },
    );
    await kv.batch([delRange('b', 'b'), delRange('d', 'a')], { sync: false });
    assert.is((await scanned(kv)).length, 5);
    await kv.batch([delRange('b', 'c')], { sync: true });
    assert.equal(await scanned(kv), ['a=a', 'c=c', 'd=d']);
  });

  spec('keeps the order of calls that nobody waits for', async (kv) => {
    const all = Array.from({ length: 500 }, (_, i) =>
      kv.batch([put('key', `${i}`), put(`k${i % 7}`, `${i}`)], { sync: i % 50 === 0 }),
    );
    await Promise.all(all);
    assert.is(text(await kv.get(bytes('key'))), '499');
    assert.is(text(await kv.get(bytes('k3'))), '493');
  });

  spec('refuses after close', async (kv) => {
    await kv.close();
    assert.is(await codeOf(kv.batch([put('a', 'b')], { sync: false })), 'SLUICE_STORAGE_FAILED');
    assert.is(await codeOf((async () => kv.get(bytes('a')))()), 'SLUICE_STORAGE_FAILED');
    await kv.close();
  });
}

function addScans(spec: Spec): void {
  spec('scans forth and back, with every kind of bound', async (kv) => {
    await kv.batch(
      ['a', 'b', 'c', 'd', 'e'].map((key) => put(key, '')),
      { sync: false },
    );
    const keys = async (range: KvRange): Promise<string> => (await kv.scan(range)).map(({ key }) => text(key)).join('');
    const cases: [KvRange, string][] = [
      [{}, 'abcde'],
      [{ gte: bytes('b') }, 'bcde'],
      [{ gt: bytes('b') }, 'cde'],
      [{ lte: bytes('d') }, 'abcd'],
      [{ lt: bytes('d') }, 'abc'],
      [{ gte: bytes('b'), lt: bytes('d') }, 'bc'],
      [{ gt: bytes('b'), lte: bytes('d') }, 'cd'],
      [{ gte: bytes('bb'), lte: bytes('dd') }, 'cd'],
      [{ gte: bytes('f') }, ''],
      [{ lt: bytes('a') }, ''],
      [{ gte: bytes('d'), lt: bytes('b') }, ''],
    ];
    for (const [range, expected] of cases) {
      assert.is(await keys(range), expected, JSON.stringify(range));
      assert.is(await keys({ ...range, reverse: true }), [...expected].reverse().join(''));
      assert.is(await keys({ ...range, limit: 2 }), expected.slice(0, 2));
      assert.is(await keys({ ...range, limit: 2, reverse: true }), [...expected].reverse().join('').slice(0, 2));
      assert.is(await keys({ ...range, limit: 0 }), '');
    }
  });

  spec('pages are bounded in entries and bytes, and go on behind their last key', async (kv) => {
    const count = KV_SCAN_ENTRIES_MAX + 500;
    await kv.batch(
      Array.from({ length: count }, (_, i) => put(String(i).padStart(6, '0'), 'v'.repeat(20))),
      { sync: false },
    );
    assert.is((await kv.scan({})).length, KV_SCAN_ENTRIES_MAX);
    assert.is((await kv.scan({ bytesMax: 260 })).length, 10);
    assert.is((await kv.scan({ bytesMax: 261 })).length, 11);
    assert.is((await kv.scan({ bytesMax: 0 })).length, 1);
    const only = await kv.scan({ keysOnly: true, limit: 3 });
    assert.equal(
      only.map(({ key, value }) => [text(key), value.length]),
      [
        ['000000', 0],
        ['000001', 0],
        ['000002', 0],
      ],
    );
    let seen = 0;
    for (let page = await kv.scan({ limit: 997 }); page.length > 0; page = await kv.scan({ gt: page.at(-1)!.key, limit: 997 })) {
      for (const { key } of page) assert.is(text(key), String(seen++).padStart(6, '0'));
    }
    assert.is(seen, count);
  });

  spec('tables lie beside each other and know nothing of each other', async (kv) => {
    const one = new KvTable(Uint8Array.of(1, 0xff));
    const two = new KvTable(Uint8Array.of(2, 0));
    await kv.batch(
      [
        one.put(bytes('a'), bytes('1a')),
        two.put(bytes('a'), bytes('2a')),
        one.put(bytes('\xff\xff'), bytes('1z')),
        two.put(bytes(''), bytes('2')),
      ],
      { sync: false },
    );
    assert.is(text(await one.get(kv, bytes('a'))), '1a');
    assert.equal((await two.getMany(kv, [bytes('\xff\xff'), bytes(''), bytes('a')])).map(text), [undefined, '2', '2a']);
    const list = async (table: KvTable, range?: KvRange): Promise<string[]> =>
      (await table.scan(kv, range)).map(({ key, value }) => `${text(key)}=${text(value)}`);
    assert.equal(await list(one), ['a=1a', '\xff\xff=1z']);
    assert.equal(await list(one, { gt: bytes('a') }), ['\xff\xff=1z']);
    assert.equal(await list(one, { lt: bytes('b') }), ['a=1a']);
    assert.equal(await list(two, { reverse: true }), ['a=2a', '=2']);
    assert.equal(await list(two, { lte: bytes('') }), ['=2']);
    await kv.batch([one.deleteAll(), two.delete(bytes('a'))], { sync: false });
    assert.equal([...(await list(one)), ...(await list(two))], ['=2']);
    await kv.batch([two.deleteRange(bytes(''), bytes('a'))], { sync: false });
    assert.equal(await scanned(kv), []);
  });
}

function addSnapshots(spec: Spec, how: KvUnderTest): void {
  spec('a snapshot sees one moment', async (kv) => {
    await kv.batch([put('a', '1'), put('b', '1')], { sync: false });
    const snapshot = kv.snapshot();
    await kv.batch([put('a', '2'), del('b'), put('c', '2')], { sync: false });
    assert.equal(await scanned(snapshot), ['a=1', 'b=1']);
    assert.is(text(await snapshot.get(bytes('a'))), '1');
    assert.equal((await snapshot.getMany([bytes('b'), bytes('c')])).map(text), ['1', undefined]);
    assert.equal(await scanned(kv), ['a=2', 'c=2']);
    await snapshot.close();
    const later = kv.snapshot();
    assert.equal(await scanned(later), ['a=2', 'c=2']);
    await later.close();
  });

  spec('a checkpoint is a store of its own, of one moment, whole', async (kv, directory) => {
    const target = join(directory, 'checkpoint');
    const writes: Promise<void>[] = [];
    for (let i = 0; i < 50; i++) writes.push(kv.batch([put(`left${i}`, `${i}`), put(`right${i}`, `${i}`)], { sync: i === 7 }));
    const copied = kv.checkpoint(target);
    for (let i = 50; i < 100; i++) writes.push(kv.batch([put(`left${i}`, `${i}`), put('left0', 'changed')], { sync: false }));
    await Promise.all([...writes, copied]);
    assert.is((await kv.scan({})).length, 150);
    assert.ok((await codeOf(kv.checkpoint(target))) !== undefined, 'never over another');
    await kv.batch([put('after', 'it')], { sync: true });
    const copy = await how.open(target);
    const entries = await scanned(copy);
    assert.is(entries.length, 100);
    assert.ok(entries.includes('left0=0') && entries.includes('right49=49'));
    await copy.batch([put('left0', 'its own')], { sync: true });
    assert.is(text(await kv.get(bytes('left0'))), 'changed');
    await copy.close();
  });

  spec('comes back with everything', async (kv, directory) => {
    if (!how.isDurable) return;
    await kv.batch([put('a', '1'), put('b', '2')], { sync: false });
    await kv.batch([del('a')], { sync: false });
    await kv.close();
    const again = await how.open(join(directory, 'store'));
    assert.equal(await scanned(again), ['b=2']);
    await again.close();
  });
}

function addHistories(spec: Spec, how: KvUnderTest): void {
  spec('does what a sorted map does, whatever the history', async (_kv, parent) => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\xff'), maxLength: 4 });
    const op = fc.oneof(
      fc.tuple(fc.constant('put' as const), key, fc.string({ maxLength: 5 })),
      fc.tuple(fc.constant('delete' as const), key, key),
      fc.tuple(fc.constant('deleteRange' as const), key, key),
    );
    const range = fc.record(
      { gte: key, gt: key, lte: key, lt: key, reverse: fc.boolean(), limit: fc.nat(8) },
      { requiredKeys: [] },
    );
    const step = fc.oneof(fc.array(op, { maxLength: 8 }), range);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
        const kv = await how.open(join(parent, `history${run++}`));
        const model = new Map<string, string>();
        for (const one of steps) {
          if (Array.isArray(one)) {
            await kv.batch(
              one.map(([type, a, b]) => opOf(type, `k${a}`, b)),
              { sync: false },
            );
            for (const [type, a, b] of one) apply(model, type, `k${a}`, type === 'put' ? b : `k${b}`);
          } else {
            const chosen = rangeOf(one);
            assert.equal(await scanned(kv, chosen), select(model, chosen));
          }
        }
        assert.equal(await scanned(kv), select(model, {}));
        const keys = [...model.keys(), 'none'];
        assert.equal(
          (await kv.getMany(keys.map(bytes))).map(text),
          keys.map((one) => model.get(one)),
        );
        await kv.close();
      }),
      { numRuns: how.histories },
    );
  });
}

function opOf(type: KvOp['type'], key: string, other: string): KvOp {
  if (type === 'put') return put(key, other);
  return type === 'delete' ? del(key) : delRange(key, `k${other}`);
}

/** The exclusive bound where both are there. */
function rangeOf(of: Partial<Record<'gte' | 'gt' | 'lte' | 'lt', string>> & Pick<KvRange, 'reverse' | 'limit'>): KvRange {
  const { gte, gt, lte, lt, ...rest } = of;
  return {
    ...rest,
    ...(gt !== undefined ? { gt: bytes(`k${gt}`) } : gte !== undefined && { gte: bytes(`k${gte}`) }),
    ...(lt !== undefined ? { lt: bytes(`k${lt}`) } : lte !== undefined && { lte: bytes(`k${lte}`) }),
  };
}

function apply(model: Map<string, string>, type: KvOp['type'], key: string, other: string): void {
  if (type === 'put') model.set(key, other);
  else if (type === 'delete') model.delete(key);
  else for (const one of [...model.keys()]) if (one >= key && one < other) model.delete(one);
}

function select(model: Map<string, string>, range: KvRange): string[] {
  const { gte, gt, lte, lt, reverse = false, limit = 1000 } = range;
  const keys = [...model.keys()]
    .sort((a, b) => (a < b ? -1 : 1))
    .filter(
      (key) =>
        (gte === undefined || key >= text(gte)!) &&
        (gt === undefined || key > text(gt)!) &&
        (lte === undefined || key <= text(lte)!) &&
        (lt === undefined || key < text(lt)!),
    );
  if (reverse) keys.reverse();
  return keys.slice(0, limit).map((key) => `${key}=${model.get(key)}`);
}
