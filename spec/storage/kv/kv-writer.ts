/**
 * A process to be killed: writes pairs of keys to the store in its first argument, from the number in its second on, several batches at once, and says which are acknowledged as durable, a line
 * each. Values are large enough that the log changes its file while it writes.
 */
import { RocksKv } from '../../../src/storage/kv/rocksdb-kv.ts';
import { pairOps } from './pairs.ts';

const IN_FLIGHT = 8;
const kv = await RocksKv.open(process.argv[2]!);
let next = Number(process.argv[3]);

async function write(): Promise<never> {
  for (;;) {
    const number = next++;
    await kv.batch(pairOps(number), { sync: true });
    process.stdout.write(`${number}\n`);
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, write));
