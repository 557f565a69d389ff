/** A client of the metadata with promises: the one that nodes have, which finds leaders, asks again and resumes watches. */
import { MetaClient, MetaClientActor } from '../../../src/actors/meta/client/client.ts';
import type { Page, Values } from '../../../src/actors/meta/client/open-call.ts';
import type { Outcome } from '../../../src/actors/meta/client/outcome.ts';
import type { WatchHandle, WatchListener, WatchRequest } from '../../../src/actors/meta/client/watch.ts';
import type { MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import { metaDoorRef } from '../../../src/actors/meta/messages.ts';
import type { RangeRequest } from '../../../src/actors/meta/state/range.ts';
import type { MetaKey } from '../../../src/actors/meta/state/record.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';

/** What clients of single keys need. */
export interface KeyPort {
  get(group: number, keys: readonly [MetaKey], deadlineMs: number): Promise<Outcome<Values>>;
  command(group: number, command: MetaCommand, deadlineMs: number): Promise<Outcome<MetaReply>>;
}

export class MetaPort implements KeyPort {
  readonly #client: MetaClient;

  private constructor(client: MetaClient) {
    this.#client = client;
  }

  /** `nodes`: whom it asks, the first one first. */
  static open(system: ActorSystem, nodes: readonly number[]): Promise<MetaPort> {
    const doors = nodes.map(metaDoorRef);
    const client = new MetaClient({ candidates: () => doors });
    return new Promise((resolve) => {
      system.spawn(() => new MetaClientActor(client, () => resolve(new MetaPort(client))), { name: 'meta-client' });
    });
  }

  command(group: number, command: MetaCommand, deadlineMs: number): Promise<Outcome<MetaReply>> {
    return new Promise((resolve) => this.#client.command(group, command, resolve, { deadlineMs }));
  }

  get(group: number, keys: readonly MetaKey[], deadlineMs: number): Promise<Outcome<Values>> {
    return new Promise((resolve) => this.#client.get(group, keys, false, resolve, { deadlineMs }));
  }

  range(group: number, request: RangeRequest, isStale: boolean, deadlineMs: number): Promise<Outcome<Page>> {
    return new Promise((resolve) => this.#client.range(group, request, isStale, resolve, { deadlineMs }));
  }

  keepAlive(group: number, ids: readonly number[], deadlineMs: number): Promise<Outcome<readonly number[]>> {
    return new Promise((resolve) => this.#client.keepAlive(group, ids, resolve, { deadlineMs }));
  }

  watch(request: WatchRequest, listener: WatchListener): WatchHandle {
    return this.#client.watch(request, listener);
  }
}
