/** Puts delayed messages on disk, in the metadata: what a turn takes and gives up goes in one write. One per reactor. */
import { STORE_ASK_MS } from '../../base/limits.ts';
import type { MetadataFailure, WriteMetadata } from '../metadata/messages.ts';
import { type Receipt, StagedWrite } from '../shard/staged.ts';
import type { StoreClient } from '../store/client.ts';
import type { DelayedMessage } from './machine.ts';
import { delayedKey, encodeDelayed } from './messages.ts';

export class DelayedKeeper {
  readonly #store: StoreClient;
  #puts: [string, Uint8Array][] = [];
  #deletes: string[] = [];
  #write: StagedWrite | null = null;

  constructor(store: StoreClient) {
    this.#store = store;
  }

  /** Returns what the publisher waits for. */
  keep(message: DelayedMessage): StagedWrite {
    this.#puts.push([delayedKey(message.id), encodeDelayed(message)]);
    this.#write ??= new StagedWrite();
    return this.#write;
  }

  /** The message has been published, with what `writes` put on disk, or is not wanted any more. Once these are there it is not needed. */
  forget(id: string, writes: readonly StagedWrite[]): void {
    let pending = writes.length;
    if (pending === 0) return void this.#deletes.push(delayedKey(id));
    let failed = false;
    const receipt: Receipt = {
      written: (code) => {
        failed ||= code !== undefined;
        // What could not be written is published once more after the next start.
        if (--pending === 0 && !failed) this.#deletes.push(delayedKey(id));
      },
    };
    for (const write of writes) write.await(receipt);
  }

  endTurn(): void {
    if (this.#puts.length === 0 && this.#deletes.length === 0) return;
    const write = this.#write;
    const message: WriteMetadata = { type: 'write', puts: this.#puts, deletes: this.#deletes, sync: write !== null };
    this.#puts = [];
    this.#deletes = [];
    this.#write = null;
    this.#store.askMetadata<true | MetadataFailure>(message, STORE_ASK_MS, (answer) =>
      write?.committed(answer === true ? undefined : 'SLUICE_STORAGE_FAILED', []),
    );
  }
}
