/** A plain model of shards, run beside an engine: after each step both must say the same. */
import * as assert from 'uvu/assert';
import type { ShardId } from '../../src/storage/engine.ts';
import { maxTimestampOf, setBaseOffset } from '../../src/storage/record-batch.ts';
import { codeOf, textBatch } from './arbitraries.ts';
import type { Opened } from './engine-suite.ts';

export type Step =
  | { readonly do: 'create'; readonly shard: ShardId; readonly start: number }
  | { readonly do: 'append'; readonly shard: ShardId; readonly records: number; readonly time: number; readonly size: number }
  | { readonly do: 'commit'; readonly sync: boolean }
  | { readonly do: 'trim'; readonly shard: ShardId; readonly part: number }
  | { readonly do: 'drop'; readonly shard: ShardId }
  | { readonly do: 'read'; readonly shard: ShardId; readonly part: number; readonly bytesMax: number }
  | { readonly do: 'time'; readonly shard: ShardId; readonly time: number }
  | { readonly do: 'reopen' | 'crash' };

interface ModelBatch {
  readonly offset: number;
  readonly next: number;
  readonly bytes: Uint8Array;
}

interface ModelShard {
  start: number;
  end: number;
  batches: ModelBatch[];
}

export class EngineModel {
  readonly #it: Opened;
  readonly #shards = new Map<ShardId, ModelShard>();
  #serial = 0;

  constructor(it: Opened) {
    this.#it = it;
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'create':
        this.#it.engine.create(step.shard, step.start);
        if (!this.#shards.has(step.shard)) this.#shards.set(step.shard, { start: step.start, end: step.start, batches: [] });
        break;
      case 'append':
        this.#append(step.shard, step.records, step.time, step.size);
        break;
      case 'commit':
        await this.#commit(step.sync);
        break;
      case 'trim':
        this.#trim(step.shard, step.part);
        break;
      case 'drop':
        this.#it.engine.drop(step.shard);
        this.#shards.delete(step.shard);
        break;
      case 'read':
        await this.#read(step.shard, step.part, step.bytesMax);
        break;
      case 'time':
        await this.#time(step.shard, step.time);
        break;
      default:
        await this.#comeBack(step.do);
    }
  }

  async checkAll(): Promise<void> {
    assert.equal([...this.#it.engine.shards()].sort(), [...this.#shards.keys()].sort());
    for (const shard of this.#shards.keys()) {
      for (let part = -1; part <= 11; part++) await this.#read(shard, part, 400);
      for (let time = 0; time <= 60; time += 5) await this.#time(shard, time);
    }
  }

  #append(shard: ShardId, records: number, time: number, size: number): void {
    const serial = this.#serial++;
    const batch = textBatch(
      Array.from({ length: records }, (_, i) => `${serial}.${i}`.padEnd(size / records, '.')),
      time,
    );
    const known = this.#shards.get(shard);
    if (known === undefined) {
      assert.is(
        codeOf(() => this.#it.engine.append(shard, -1, batch, 0, batch.length)),
        'SLUICE_STORAGE_UNKNOWN_SHARD',
      );
      return;
    }
    const offset = next(known);
    assert.is(this.#it.engine.append(shard, serial % 2 === 0 ? offset : -1, batch, 0, batch.length), offset);
    setBaseOffset(batch, 0, offset);
    known.batches.push({ offset, next: offset + records, bytes: batch });
    assert.is(this.#it.engine.stat(shard).next, offset + records);
  }

  async #commit(sync: boolean): Promise<void> {
    await this.#it.commit(sync);
    for (const known of this.#shards.values()) known.end = next(known);
  }

  #trim(shard: ShardId, part: number): void {
    const known = this.#shards.get(shard);
    const to = known === undefined ? part : this.#offsetAt(known, part);
    this.#it.engine.trim(shard, to);
    if (known === undefined) return;
    known.start = Math.max(known.start, Math.min(to, known.end));
    known.batches = known.batches.filter((batch) => batch.next > known.start);
    assert.is(this.#it.engine.stat(shard).start, known.start);
  }

  async #read(shard: ShardId, part: number, bytesMax: number): Promise<void> {
    const known = this.#shards.get(shard);
    if (known === undefined) return;
    const offset = this.#offsetAt(known, part);
    if (offset < 0) return;
    if (offset < known.start || offset > known.end) {
      const error = await this.#it.read(shard, offset, bytesMax).catch((one: unknown) => one);
      assert.is((error as { code?: string }).code, 'SLUICE_STORAGE_OFFSET_OUT_OF_RANGE');
      return;
    }
    const result = await this.#it.read(shard, offset, bytesMax);
    assert.equal([result.start, result.end], [known.start, known.end]);
    const expected = known.batches.filter((batch) => batch.next > offset && batch.next <= known.end);
    let at = 0;
    let batches = 0;
    for (; at < result.batches.length; batches++) {
      const { bytes } = expected[batches]!;
      assert.equal(Uint8Array.from(result.batches.subarray(at, at + bytes.length)), bytes);
      at += bytes.length;
    }
    assert.ok(batches > 0 || expected.length === 0, 'at least one');
    assert.ok(batches <= 1 || at <= bytesMax, 'at most what was asked for');
  }

  async #time(shard: ShardId, time: number): Promise<void> {
    const known = this.#shards.get(shard);
    if (known === undefined) return;
    const found = known.batches.find((batch) => batch.next <= known.end && maxTimestampOf(batch.bytes, 0) >= time);
    assert.is(await this.#it.offsetForTime(shard, time), found === undefined ? known.end : Math.max(known.start, found.offset));
  }

  /** What is not committed is lost, and whether a create, trim or drop is among it is open: so these are committed before. */
  async #comeBack(how: 'reopen' | 'crash'): Promise<void> {
    await this.#commit(true);
    for (const shard of this.#shards.keys()) this.#append(shard, 2, 1, 10);
    for (const known of this.#shards.values()) known.batches = known.batches.filter((batch) => batch.next <= known.end);
    if (this.#it.engine.isDurable) await this.#it[how]();
    else {
      await this.#it.reopen();
      this.#shards.clear();
    }
    for (const [shard, known] of this.#shards) {
      const stat = this.#it.engine.stat(shard);
      assert.equal([stat.start, stat.next], [known.start, known.end]);
    }
    assert.is([...this.#it.engine.shards()].length, this.#shards.size);
  }

  /** An offset at a tenth of what there is; a little outside for -1 and 11. */
  #offsetAt(known: ModelShard, part: number): number {
    if (part < 0) return known.start - 1;
    if (part > 10) return next(known) + part - 10;
    return Math.round(known.start + ((next(known) - known.start) * part) / 10);
  }
}

function next(known: ModelShard): number {
  return known.batches.at(-1)?.next ?? Math.max(known.start, known.end);
}
