/**
 * What the store thread does after it is born: opens the logs, which recovers them, and starts the store. Ready when everything that was acknowledged before is
 * there again.
 */
import { join } from 'node:path';
import { MetadataActor } from '../actors/metadata/actor.ts';
import { METADATA_SLOT, type MetadataMessage } from '../actors/metadata/messages.ts';
import { StoreActor } from '../actors/store/actor.ts';
import type { EngineSet } from '../actors/store/engines.ts';
import { STORE_SLOT, type StoreMessage } from '../actors/store/messages.ts';
import { realClock } from '../base/clock.ts';
import { LOG_RUNWAY_BYTES, STORE_MAILBOX_MAX } from '../base/limits.ts';
import type { ActorSystem } from '../runtime/system.ts';
import { FileDisk } from '../storage/disk.ts';
import { DedicatedJournals, SharedJournal } from '../storage/engines/journal.ts';
import { MemoryEngine } from '../storage/engines/memory.ts';
import { RocksEngine } from '../storage/engines/rocksdb.ts';
import type { Journal } from '../storage/journal.ts';
import { RocksKv } from '../storage/kv/rocksdb-kv.ts';
import { compactionPool } from './compaction-pool.ts';
import { KvMetadata } from './kv-metadata.ts';
import type { StoreBoot } from './store-boot.ts';

export async function boot(system: ActorSystem, options: StoreBoot): Promise<void> {
  // First the one that locks the directory against a second process.
  const kv = await RocksKv.open(join(options.directory, 'metadata'));
  const engines = await openEngines(system, options);
  // Out of the turn, so that the answers of the failed commit still leave. An error that nobody handles ends the thread, and with it the node.
  const onFailed = (error: Error): void => {
    setTimeout(() => {
      throw error;
    }, 0);
  };
  const store = new StoreActor({ system, engines, clock: () => realClock.now() * 1000, compactor: compactionPool(), onFailed });
  system.spawn<StoreMessage>(() => store, { name: 'store', wellKnown: STORE_SLOT, mailboxMax: STORE_MAILBOX_MAX });
  system.spawn<MetadataMessage>(() => new MetadataActor(new KvMetadata(kv), onFailed), {
    name: 'metadata',
    wellKnown: METADATA_SLOT,
    mailboxMax: STORE_MAILBOX_MAX,
  });
  system.atTurnEnd(() => store.endTurn());
}

async function openEngines(
  system: ActorSystem,
  { directory, segmentBytes, tailBytes, memoryBytes, onCorruption }: StoreBoot,
): Promise<EngineSet> {
  const options = {
    disk: new FileDisk(),
    segmentBytes,
    runwayBytes: LOG_RUNWAY_BYTES,
    onCorruption,
    wallClock: () => system.wallClock(),
    random: () => system.random(),
  };
  const shared = new SharedJournal({ ...options, tailBytes, directory: join(directory, 'log', 'shared') });
  const dedicated = new DedicatedJournals({
    ...options,
    tailBytes: tailBytes / 4,
    directory: join(directory, 'log', 'dedicated'),
  });
  function* journals(): Generator<Journal> {
    yield shared.journal;
    yield* dedicated.journals();
  }
  const memory = new MemoryEngine({ bytesMax: memoryBytes, shardBytesMax: memoryBytes, overflow: 'drop-oldest' });
  const rocksdb = await RocksEngine.open(await RocksKv.open(join(directory, 'rocksdb')));
  return { engines: { shared, dedicated, memory, rocksdb }, shared: shared.journal, dedicated, journals };
}
