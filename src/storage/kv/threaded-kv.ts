/**
 * A RocksDB store on a thread of its own, for a thread whose time is dear: handing a batch over costs it one message, where the binding takes a microsecond for each row.
 * Bound: KV_BATCHES_QUEUED_MAX calls are under way.
 */
import { Worker } from 'node:worker_threads';
import { SluiceError } from '../../base/errors.ts';
import { KV_BATCHES_QUEUED_MAX } from '../../base/limits.ts';
import { type SpareBounds, SpareMemory } from '../../base/spare-memory.ts';
import type { KvAnswer, KvBirth, KvCall, Numbered } from './kv-calls.ts';
import type { KvEntry, KvOp, KvRange, KvReader, KvSnapshot, LocalKv } from './local-kv.ts';
import { type PackedOps, packOps } from './packed-ops.ts';

/** Specs put another in its place. */
const ENTRY = new URL('./kv-thread.js', import.meta.url);

const SPARES: SpareBounds = { countMax: 2, bytesMin: 64 * 1024, bytesMax: 16 * 1024 * 1024 };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class ThreadedKv implements LocalKv {
  readonly #directory: string;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #spares = new SpareMemory(SPARES);
  #lastNumber = 0;
  #lastSnapshot = 0;
  #end: SluiceError | undefined;

  private constructor(directory: string, entry: URL) {
    this.#directory = directory;
    const birth: KvBirth = { directory };
    this.#worker = new Worker(entry, { workerData: birth, name: 'kv' });
    this.#worker.on('message', (answer: Numbered<KvAnswer>) => this.#answered(answer));
    this.#worker.once('error', (error) => this.#ended(error.message));
    this.#worker.once('exit', () => this.#ended('its thread has ended'));
  }

  /** As `RocksKv.open`, and with its errors. */
  static async open(directory: string, entry: URL = ENTRY): Promise<ThreadedKv> {
    const kv = new ThreadedKv(directory, entry);
    await kv.#answerTo(0);
    return kv;
  }

  async batch(ops: readonly KvOp[] | PackedOps, { sync }: { readonly sync: boolean }): Promise<void> {
    const { bytes, count } = 'bytes' in ops ? ops : packOps(ops);
    const memory = this.#spares.take(bytes.length);
    new Uint8Array(memory).set(bytes);
    const answer = this.#call({ type: 'batch', memory, bytes: bytes.length, count, sync }, [memory]);
    this.#spares.giveBack((await answer) as ArrayBuffer);
  }

  async checkpoint(directory: string): Promise<void> {
    await this.#call({ type: 'checkpoint', directory });
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.getMany([key]))[0];
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#reader(0).getMany(keys);
  }

  scan(range: KvRange): Promise<KvEntry[]> {
    return this.#reader(0).scan(range);
  }

  snapshot(): KvSnapshot {
    const snapshot = ++this.#lastSnapshot;
    const made = this.#call({ type: 'snapshot', snapshot });
    // Whoever reads it hears of a failure.
    made.catch(() => {});
    return {
      ...this.#reader(snapshot),
      close: async () => {
        await this.#call({ type: 'release', snapshot });
      },
    };
  }

  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    const closed = this.#call({ type: 'close' });
    this.#end = new SluiceError('SLUICE_STORAGE_FAILED', `The store in ${this.#directory} is closed.`);
    await closed;
  }

  #reader(snapshot: number): KvReader {
    const getMany = async (keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> => {
      // Of a view all of the memory behind it would be copied.
      const own = keys.map((key) => Uint8Array.from(key));
      return (await this.#call({ type: 'getMany', keys: own, snapshot })) as (Uint8Array | undefined)[];
    };
    return {
      get: async (key) => (await getMany([key]))[0],
      getMany,
      scan: async (range) => (await this.#call({ type: 'scan', range, snapshot })) as KvEntry[],
    };
  }

  #call(body: KvCall, moved: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (this.#waiting.size >= KV_BATCHES_QUEUED_MAX) {
      const text = `${KV_BATCHES_QUEUED_MAX} calls wait for the store already.`;
      return Promise.reject(new SluiceError('SLUICE_STORAGE_FULL', text));
    }
    const number = ++this.#lastNumber;
    this.#worker.postMessage({ number, body } satisfies Numbered<KvCall>, moved);
    return this.#answerTo(number);
  }

  /** While something is awaited the thread keeps the process alive. */
  #answerTo(number: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.ref();
    });
  }

  #answered({ number, body }: Numbered<KvAnswer>): void {
    const waiting = this.#waiting.get(number)!;
    this.#waiting.delete(number);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (body.isOk) waiting.resolve(body.value);
    else waiting.reject(new SluiceError(body.code, body.text));
  }

  #ended(why: string): void {
    this.#end ??= new SluiceError('SLUICE_STORAGE_FAILED', `The store in ${this.#directory} has ended: ${why}.`);
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }
}
