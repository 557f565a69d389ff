/**
 * Puts retained messages on disk: the records that the retained store gets, under their topic in the metadata, what a turn has retained in one write. Two reactors that
 * retain for one topic at the same moment may leave another of both on disk than in memory; either is right. One per reactor.
 */
import { STORE_ASK_MS } from '../../base/limits.ts';
import { newPublishView, readPublish } from '../../wire/mqtt/publish-run.ts';
import { KEYS, type MetadataFailure, type WriteMetadata } from '../metadata/messages.ts';
import type { Run } from '../router/sink.ts';
import { StagedWrite } from '../shard/staged.ts';
import type { StoreClient } from '../store/client.ts';
import { RETAINED_STORE_HEADER_BYTES } from './messages.ts';

export class Retainer {
  readonly #store: StoreClient;
  readonly #view = newPublishView();
  /** What this turn retains, by topic; null: nothing any more. */
  #kept = new Map<string, Uint8Array | null>();
  #write: StagedWrite | null = null;

  constructor(store: StoreClient) {
    this.#store = store;
  }

  /** `record[0, size)`: a `store` record of the retained store. Returns what a publisher of QoS 1 or 2 waits for. */
  keep(run: Run, record: Uint8Array, size: number): StagedWrite | undefined {
    readPublish(record, RETAINED_STORE_HEADER_BYTES, size, run.dialect, this.#view);
    const isEmpty = this.#view.payloadStart === size;
    this.#kept.set(run.topic.name, isEmpty ? null : record.slice(0, size));
    if (run.qos === 0) return undefined;
    this.#write ??= new StagedWrite();
    return this.#write;
  }

  endTurn(): void {
    if (this.#kept.size === 0) return;
    const kept = this.#kept;
    const write = this.#write;
    this.#kept = new Map();
    this.#write = null;
    const puts: [string, Uint8Array][] = [];
    const deletes: string[] = [];
    for (const [name, record] of kept) {
      if (record === null) deletes.push(KEYS.retained + name);
      else puts.push([KEYS.retained + name, record]);
    }
    const message: WriteMetadata = { type: 'write', puts, deletes, sync: write !== null };
    this.#store.askMetadata<true | MetadataFailure>(message, STORE_ASK_MS, (answer) =>
      write?.committed(answer === true ? undefined : 'SLUICE_STORAGE_FAILED', []),
    );
  }
}
