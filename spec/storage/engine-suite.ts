/**
 * What every storage engine does. A spec file calls `engineSuite` with a way to open its engine; engines that are durable are also closed and opened again, and opened
 * on what a killed process would have left.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SHARD_MAX } from '../../src/base/limits.ts';
import type { Engine, ReadResult, ShardId } from '../../src/storage/engine.ts';
import { batchBytes } from '../../src/storage/record-batch.ts';
import { checkBatch } from '../../src/storage/record-batch-check.ts';
import { codeOf, readRecords, textBatch } from './arbitraries.ts';
import { EngineModel } from './engine-model.ts';

export interface EngineUnderTest {
  /** Opens the engine in a directory, which is empty or was left by a former one. */
  open(directory: string): Promise<Engine>;
  /** Copies what a process that is killed now would leave of one directory to another, empty one; its files, unless told otherwise. */
  leave?(from: string, to: string): void;
  /** Makes every commit from now on fail, where the engine has something that can. */
  breakDisk?(engine: Engine): void;
  /** For the largest batch that the engine takes, 0 when that is too much for a spec. */
  readonly batchBytesMax: number;
  /** Runs of random histories. */
  readonly histories: number;
}

/** An engine with promises, in a directory of its own. */
export class Opened {
  readonly #how: EngineUnderTest;
  engine!: Engine;
  directory: string = mkdtempSync(join(tmpdir(), 'sluice-engine-'));

  constructor(how: EngineUnderTest) {
    this.#how = how;
  }

  async open(): Promise<this> {
    this.engine = await this.#how.open(this.directory);
    return this;
  }

  append(shard: ShardId, texts: readonly string[], timestampMs: number = 1000, expected: number = -1): number {
    const batch = textBatch(texts, timestampMs);
    return this.engine.append(shard, expected, batch, 0, batch.length);
  }

  commit(sync: boolean = true): Promise<void> {
    return new Promise((resolve, reject) => {
      this.engine.commit(sync, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  read(shard: ShardId, offset: number, bytesMax: number = 1 << 20): Promise<ReadResult> {
    return new Promise((resolve, reject) => {
      this.engine.read(shard, offset, bytesMax, (error, result) => (error === undefined ? resolve(result!) : reject(error)));
    });
  }

  offsetForTime(shard: ShardId, timestampMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.engine.offsetForTime(shard, timestampMs, (error, offset) => (error === undefined ? resolve(offset) : reject(error)));
    });
  }

  /** Everything from `offset` on: `offset text`, batch after batch. */
  async all(shard: ShardId, offset: number = this.engine.stat(shard).start): Promise<string[]> {
    const texts: string[] = [];
    for (let at = offset; ; ) {
      const { batches, end } = await this.read(shard, at, 1000);
      const records = recordsOf(batches);
      texts.push(...records.map((one) => `${one.offset} ${one.text}`));
      if (records.length === 0) {
        assert.is(at, end);
        return texts;
      }
      at = records.at(-1)!.offset + 1;
    }
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.engine.close((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** Opens what a process that is killed now leaves: the page cache survives it, so that is what its files hold. */
  async crash(): Promise<void> {
    const left = mkdtempSync(join(tmpdir(), 'sluice-engine-'));
    if (this.#how.leave !== undefined) this.#how.leave(this.directory, left);
    else cpSync(this.directory, left, { recursive: true });
    await this.close();
    rmSync(this.directory, { recursive: true });
    this.directory = left;
    await this.open();
  }

  async end(): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true });
  }
}

export function recordsOf(batches: Uint8Array): { offset: number; text: string }[] {
  const all: { offset: number; text: string }[] = [];
  for (let at = 0; at < batches.length; at += batchBytes(batches, at)) {
    checkBatch(batches, at, batches.length);
    for (const one of readRecords(batches, at)) all.push({ offset: one.offset, text: Buffer.from(one.value ?? []).toString() });
  }
  return all;
}

async function rejection(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) =>
      codeOf(() => {
        throw error;
      }),
  );
}

/** Adds nothing to uvu until `run` of what it returns. */
export function engineSuite(name: string, how: EngineUnderTest): ReturnType<typeof suite> {
  const test = suite(`engine ${name}`);
  const spec = (what: string, body: (it: Opened) => Promise<void>): void => {
    test(what, async () => {
      const it = await new Opened(how).open();
      await body(it);
      await it.end();
    });
  };
  addBasics(spec);
  addReading(spec);
  addTime(spec);
  addTrimAndDrop(spec);
  addConcurrency(spec);
  addDurability(spec);
  addBounds(spec, how);
  addHistories(spec, how);
  return test;
}

type Spec = (what: string, body: (it: Opened) => Promise<void>) => void;

function addBasics(spec: Spec): void {
  spec('a shard begins empty, where it was told to', async (it) => {
    assert.not(it.engine.has(1));
    it.engine.create(1);
    it.engine.create(2, 1000);
    await it.commit();
    assert.ok(it.engine.has(1));
    assert.equal(it.engine.stat(1), { start: 0, next: 0, bytes: 0 });
    assert.equal(it.engine.stat(2), { start: 1000, next: 1000, bytes: 0 });
    assert.is((await it.read(2, 1000)).batches.length, 0);
    assert.is(it.append(2, ['a', 'b']), 1000);
    await it.commit();
    it.engine.create(2, 5);
    await it.commit();
    assert.equal(await it.all(2), ['1000 a', '1001 b'], 'a second create changes nothing');
    assert.equal([...it.engine.shards()].sort(), [1, 2]);
  });

  spec('offsets count on, and show once committed', async (it) => {
    it.engine.create(7);
    assert.is(it.append(7, ['a', 'b', 'c']), 0);
    assert.is(it.append(7, ['d']), 3);
    assert.is(it.engine.stat(7).next, 4);
    const before = await it.read(7, 0);
    assert.equal([before.batches.length, before.start, before.end], [0, 0, 0]);
    assert.is(await rejection(it.read(7, 1)), 'SLUICE_STORAGE_OFFSET_OUT_OF_RANGE');
    await it.commit(false);
    assert.equal(await it.all(7), ['0 a', '1 b', '2 c', '3 d']);
    assert.is(it.append(7, ['e']), 4);
    await it.commit(true);
    assert.equal(await it.all(7, 4), ['4 e']);
    assert.is(it.engine.stat(7).bytes, textBatch(['a', 'b', 'c']).length + 2 * textBatch(['d']).length);
  });

  spec('takes a copy of the bytes, from anywhere in a buffer', async (it) => {
    it.engine.create(1);
    const batch = textBatch(['kept']);
    const buffer = Buffer.alloc(batch.length + 20, 0xee);
    buffer.set(batch, 13);
    it.engine.append(1, -1, buffer, 13, 13 + batch.length);
    it.engine.append(1, -1, buffer, 13, 13 + batch.length);
    assert.equal(Uint8Array.from(buffer.subarray(13, 13 + batch.length)), batch, 'the caller’s bytes stay as they were');
    buffer.fill(0);
    await it.commit();
    const { batches } = await it.read(1, 0);
    assert.equal(await it.all(1), ['0 kept', '1 kept']);
    batches.fill(0);
    assert.equal(await it.all(1), ['0 kept', '1 kept'], 'what was read is the reader’s');
  });

  spec('refuses a writer that is mistaken about the end, and stages nothing of it', async (it) => {
    it.engine.create(1);
    assert.is(it.append(1, ['a'], 1000, 0), 0);
    for (const wrong of [0, 2, 100])
      assert.is(
        codeOf(() => it.append(1, ['x'], 1000, wrong)),
        'SLUICE_STORAGE_OFFSET_MISMATCH',
      );
    assert.is(it.append(1, ['b'], 1000, 1), 1);
    await it.commit();
    assert.equal(await it.all(1), ['0 a', '1 b']);
  });

  spec('knows no shard that was not created', async (it) => {
    for (const shard of [1, SHARD_MAX]) {
      assert.not(it.engine.has(shard));
      assert.is(
        codeOf(() => it.append(shard, ['a'])),
        'SLUICE_STORAGE_UNKNOWN_SHARD',
      );
      assert.is(
        codeOf(() => it.engine.stat(shard)),
        'SLUICE_STORAGE_UNKNOWN_SHARD',
      );
      assert.is(await rejection(it.read(shard, 0)), 'SLUICE_STORAGE_UNKNOWN_SHARD');
      assert.is(await rejection(it.offsetForTime(shard, 0)), 'SLUICE_STORAGE_UNKNOWN_SHARD');
      it.engine.trim(shard, 5);
      it.engine.drop(shard);
    }
    await it.commit();
    assert.equal([...it.engine.shards()], []);
  });
}

function addReading(spec: Spec): void {
  spec('reads whole batches from the one that holds the offset, within the bytes asked for', async (it) => {
    it.engine.create(1);
    const sizes: number[] = [];
    for (let i = 0; i < 30; i++) {
      it.append(1, [`${i}a`, `${i}b`, 'x'.repeat(i * 10)]);
      sizes.push(textBatch([`${i}a`, `${i}b`, 'x'.repeat(i * 10)]).length);
      if (i % 7 === 0) await it.commit(false);
    }
    await it.commit();
    for (let offset = 0; offset < 90; offset++) {
      const first = Math.floor(offset / 3);
      for (const bytesMax of [0, 1, sizes[first]!, sizes[first]! + 200, 1 << 20]) {
        const { batches, end } = await it.read(1, offset, bytesMax);
        assert.is(end, 90);
        const records = recordsOf(batches);
        assert.is(records[0]!.offset, first * 3);
        assert.equal(
          records.map((one) => one.offset),
          records.map((_, i) => first * 3 + i),
        );
        assert.ok(batches.length <= Math.max(bytesMax, sizes[first]!), `${batches.length} of ${bytesMax}`);
      }
    }
    assert.is((await it.read(1, 90)).batches.length, 0);
    assert.is(await rejection(it.read(1, 91)), 'SLUICE_STORAGE_OFFSET_OUT_OF_RANGE');
  });

  spec('keeps many shards apart', async (it) => {
    const shards = Array.from({ length: 500 }, (_, i) => i + 1);
    for (const shard of shards) it.engine.create(shard);
    for (let round = 0; round < 3; round++) {
      for (const shard of shards) it.append(shard, [`${shard}/${round}`]);
      await it.commit(false);
    }
    for (const shard of shards)
      assert.equal(
        await it.all(shard),
        [0, 1, 2].map((round) => `${round} ${shard}/${round}`),
      );
    assert.is([...it.engine.shards()].length, shards.length);
  });
}

function addTime(spec: Spec): void {
  spec('finds the first batch of a time, also where clocks went back', async (it) => {
    it.engine.create(1);
    assert.is(await it.offsetForTime(1, 0), 0);
    const times = [100, 200, 150, 150, 300, 250, 300, 400];
    for (const [i, time] of times.entries()) it.append(1, [`${i}`, 'second'], time);
    await it.commit();
    const expected = (time: number, start: number): number => {
      const index = times.findIndex((one, i) => one >= time && 2 * i + 2 > start);
      return index < 0 ? 2 * times.length : Math.max(start, 2 * index);
    };
    for (let time = 50; time <= 450; time += 50) assert.is(await it.offsetForTime(1, time), expected(time, 0), `${time}`);
    for (const start of [2, 3, 4, 9, 13]) {
      it.engine.trim(1, start);
      await it.commit();
      for (let time = 50; time <= 450; time += 50)
        assert.is(await it.offsetForTime(1, time), expected(time, start), `${time} from ${start}`);
    }
  });
}

function addTrimAndDrop(spec: Spec): void {
  spec('trims to any offset, never back and never beyond the end', async (it) => {
    it.engine.create(1);
    for (let i = 0; i < 10; i++) it.append(1, [`${i}a`, `${i}b`]);
    await it.commit();
    const { bytes } = it.engine.stat(1);
    it.engine.trim(1, 5);
    await it.commit();
    assert.is(it.engine.stat(1).start, 5);
    assert.ok(it.engine.stat(1).bytes < bytes);
    assert.is(await rejection(it.read(1, 4)), 'SLUICE_STORAGE_OFFSET_OUT_OF_RANGE');
    const { batches, start } = await it.read(1, 5);
    assert.is(start, 5);
    assert.is(recordsOf(batches)[0]!.offset, 4, 'the batch that holds the offset is whole');
    it.engine.trim(1, 2);
    it.engine.trim(1, 14);
    it.append(1, ['staged']);
    it.engine.trim(1, 100);
    await it.commit();
    assert.is(it.engine.stat(1).start, 20, 'what is staged is not trimmed');
    assert.equal(await it.all(1), ['20 staged']);
    it.engine.trim(1, 21);
    await it.commit();
    assert.equal(it.engine.stat(1), { start: 21, next: 21, bytes: 0 });
    assert.is(it.append(1, ['on']), 21);
    await it.commit();
    assert.equal(await it.all(1), ['21 on']);
  });

  spec('forgets a dropped shard, which may begin anew', async (it) => {
    it.engine.create(1);
    it.engine.create(2);
    it.append(1, ['old', 'older']);
    it.append(2, ['other']);
    await it.commit();
    it.append(1, ['staged']);
    it.engine.drop(1);
    assert.not(it.engine.has(1));
    assert.is(await rejection(it.read(1, 0)), 'SLUICE_STORAGE_UNKNOWN_SHARD');
    await it.commit();
    assert.equal([...it.engine.shards()], [2]);
    it.engine.create(1, 1);
    it.append(1, ['new']);
    await it.commit();
    assert.equal(await it.all(1), ['1 new']);
    it.engine.drop(1);
    it.engine.create(1);
    it.append(1, ['newest']);
    await it.commit();
    assert.equal(await it.all(1), ['0 newest']);
    assert.is(await it.offsetForTime(1, 0), 0);
    assert.equal(await it.all(2), ['0 other']);
  });
}

function addConcurrency(spec: Spec): void {
  spec('serves readers while it appends: each sees a beginning of what there is, in order', async (it) => {
    it.engine.create(1);
    const total = 300;
    let committed = 0;
    const reader = async (seed: number): Promise<void> => {
      let at = 0;
      let reads = 0;
      while (at < total) {
        const known = committed;
        const { batches, end } = await it.read(1, at, 200 + seed * 300);
        assert.ok(end >= known, 'what was committed before is there');
        for (const { offset, text } of recordsOf(batches)) {
          if (offset < at) continue;
          assert.is(offset, at++);
          assert.is(text, `r${offset}`);
        }
        assert.ok(at <= end);
        if (++reads % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
        else await Promise.resolve();
        if (batches.length === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const writer = async (): Promise<void> => {
      for (let next = 0; next < total; next += 3) {
        it.append(
          1,
          [0, 1, 2].map((i) => `r${next + i}`),
        );
        await it.commit(false);
        committed = next + 3;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([writer(), reader(0), reader(1), reader(2), reader(3)]);
  });

  spec('ends commits in order, each once, without being waited for', async (it) => {
    it.engine.create(1);
    const ended: number[] = [];
    const all = Array.from({ length: 20 }, (_, i) => {
      it.append(1, [`${i}`]);
      return it.commit(i % 3 === 0).then(() => ended.push(i));
    });
    it.append(1, ['staged after the last']);
    await Promise.all(all);
    assert.equal(
      ended,
      Array.from({ length: 20 }, (_, i) => i),
    );
    assert.equal(
      await it.all(1),
      Array.from({ length: 20 }, (_, i) => `${i} ${i}`),
    );
    await it.commit();
    assert.is((await it.all(1)).length, 21);
    await it.commit();
  });
}

function addDurability(spec: Spec): void {
  spec('comes back after a clean end: what was committed, nothing else', async (it) => {
    if (!it.engine.isDurable) return;
    await checkComingBack(it, () => it.reopen());
  });

  spec('comes back after a crash: what was committed, nothing else', async (it) => {
    if (!it.engine.isDurable) return;
    await checkComingBack(it, () => it.crash());
  });
}

async function checkComingBack(it: Opened, again: () => Promise<void>): Promise<void> {
  for (const shard of [1, 2, 3, 4]) it.engine.create(shard, shard * 10);
  for (let i = 0; i < 20; i++) it.append(1 + (i % 3), [`${i}a`, `${i}b`], 1000 + i);
  await it.commit();
  it.engine.trim(1, 15);
  it.engine.drop(2);
  await it.commit();
  it.append(3, ['lost']);
  await again();
  assert.equal([...it.engine.shards()].sort(), [1, 3, 4]);
  assert.equal([it.engine.stat(1).start, it.engine.stat(1).next], [15, 24]);
  assert.equal((await it.all(1)).at(-1), '23 18b');
  assert.is(await rejection(it.read(1, 14)), 'SLUICE_STORAGE_OFFSET_OUT_OF_RANGE');
  assert.is((await it.all(3)).length, 12);
  assert.equal([it.engine.stat(4).start, it.engine.stat(4).next], [40, 40]);
  assert.is(await it.offsetForTime(3, 1010), 36);
  assert.is(it.append(3, ['on'], 1000, it.engine.stat(3).next), 42);
  it.engine.create(2);
  await it.commit();
  await again();
  assert.equal((await it.all(3)).at(-1), '42 on');
  assert.equal(await it.all(2), [], 'records of a dropped shard do not come back');
}

function addBounds(spec: Spec, how: EngineUnderTest): void {
  spec('refuses a batch above its bound, and takes one at it', async (it) => {
    if (how.batchBytesMax === 0) return;
    it.engine.create(1);
    const overhead = textBatch(['x'.repeat(how.batchBytesMax - 100)]).length - (how.batchBytesMax - 100);
    const largest = 'y'.repeat(how.batchBytesMax - overhead);
    assert.is(textBatch([largest]).length, how.batchBytesMax);
    assert.is(
      codeOf(() => it.append(1, [`${largest}y`])),
      'SLUICE_STORAGE_BATCH_TOO_LARGE',
    );
    assert.is(it.append(1, [largest]), 0);
    await it.commit();
    const { batches } = await it.read(1, 0, 1);
    assert.is(batches.length, how.batchBytesMax);
    checkBatch(batches, 0, batches.length);
  });

  spec('takes nothing after a commit that failed, and lies to no reader', async (it) => {
    if (how.breakDisk === undefined) return;
    it.engine.create(1);
    it.append(1, ['before']);
    await it.commit();
    how.breakDisk(it.engine);
    it.append(1, ['lost']);
    const failures = [it.commit(true), it.commit(true)].map((commit) => rejection(commit));
    assert.equal(await Promise.all(failures), ['SLUICE_STORAGE_FAILED', 'SLUICE_STORAGE_FAILED']);
    assert.is(
      codeOf(() => it.append(1, ['after'])),
      'SLUICE_STORAGE_FAILED',
    );
    assert.is(await rejection(it.commit()), 'SLUICE_STORAGE_FAILED');
    assert.equal(await it.all(1), ['0 before']);
  });
}

function addHistories(spec: Spec, how: EngineUnderTest): void {
  spec('does what a plain model does, whatever the history', async (first) => {
    await first.close();
    const shard = fc.integer({ min: 1, max: 4 });
    const step = fc.oneof(
      { weight: 2, arbitrary: fc.record({ do: fc.constant('create' as const), shard, start: fc.nat(20) }) },
      {
        weight: 10,
        arbitrary: fc.record({
          do: fc.constant('append' as const),
          shard,
          records: fc.integer({ min: 1, max: 5 }),
          time: fc.nat(50),
          size: fc.nat(300),
        }),
      },
      { weight: 5, arbitrary: fc.record({ do: fc.constant('commit' as const), sync: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('trim' as const), shard, part: fc.integer({ min: 0, max: 12 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), shard }) },
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('read' as const),
          shard,
          part: fc.integer({ min: -1, max: 11 }),
          bytesMax: fc.nat(1500),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('time' as const), shard, time: fc.nat(60) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reopen' as const, 'crash' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
        const it = await new Opened(how).open();
        const model = new EngineModel(it);
        for (const one of [...steps, { do: 'commit', sync: true } as const]) await model.run(one);
        await model.checkAll();
        await it.end();
      }),
      { numRuns: how.histories },
    );
    await first.open();
  });
}
