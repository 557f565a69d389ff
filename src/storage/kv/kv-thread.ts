/** Entry of the thread that a store in a thread of its own lives on (threaded-kv.ts): opens it, serves calls, ends with it. */
import { parentPort, workerData } from 'node:worker_threads';
import { SluiceError } from '../../base/errors.ts';
import type { KvAnswer, KvBirth, KvCall, Numbered } from './kv-calls.ts';
import type { KvReader, KvSnapshot } from './local-kv.ts';
import { unpackOps } from './packed-ops.ts';
import { RocksKv } from './rocksdb-kv.ts';

const port = parentPort!;
const snapshots = new Map<number, KvSnapshot>();

async function carryOut(kv: RocksKv, call: KvCall): Promise<Extract<KvAnswer, { isOk: true }>['value']> {
  const reader = (snapshot: number): KvReader => (snapshot === 0 ? kv : snapshots.get(snapshot)!);
  switch (call.type) {
    case 'batch': {
      const { memory, bytes, count, sync } = call;
      await kv.batch(unpackOps({ bytes: new Uint8Array(memory, 0, bytes), count }), { sync });
      return memory;
    }
    case 'getMany':
      return reader(call.snapshot).getMany(call.keys);
    case 'scan':
      return reader(call.snapshot).scan(call.range);
    case 'snapshot':
      snapshots.set(call.snapshot, kv.snapshot());
      return undefined;
    case 'release':
      await snapshots.get(call.snapshot)?.close();
      snapshots.delete(call.snapshot);
      return undefined;
    case 'checkpoint':
      await kv.checkpoint(call.directory);
      return undefined;
    case 'close':
      await kv.close();
      return undefined;
  }
}

function answer(number: number, body: KvAnswer): void {
  const moved = body.isOk && body.value instanceof ArrayBuffer ? [body.value] : [];
  port.postMessage({ number, body } satisfies Numbered<KvAnswer>, moved);
}

function refuse(number: number, error: unknown): void {
  const code = error instanceof SluiceError ? error.code : 'SLUICE_STORAGE_FAILED';
  answer(number, { isOk: false, code, text: error instanceof Error ? error.message : String(error) });
}

try {
  const kv = await RocksKv.open((workerData as KvBirth).directory);
  port.on('message', ({ number, body }: Numbered<KvCall>) => {
    carryOut(kv, body)
      .then(
        (value) => answer(number, { isOk: true, value }),
        (error: unknown) => refuse(number, error),
      )
      .finally(() => body.type === 'close' && port.close());
  });
  answer(0, { isOk: true, value: undefined });
} catch (error) {
  refuse(0, error);
}
