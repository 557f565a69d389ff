/**
 * Retained messages that have expired: no node serves them any more, by its own clock, and each remembers which they were; the node that has the controller deletes them in the metadata, by its clock, a bounded number
 * at a time. Each deletion has the revision of what has expired as a condition, so whatever has been retained since stays.
 */
import { RETAINED_EXPIRED_BATCH, RETAINED_EXPIRED_MAX } from '../../../base/limits.ts';
import { CONTROLLER_KEY, controllerIn, NODES_GROUP } from '../../controller/messages.ts';
import type { MetaClient } from '../../meta/client/client.ts';
import type { Claim } from '../../meta/command.ts';
import type { MetaKey } from '../../meta/state/record.ts';

export interface ExpirerPorts {
  readonly node: number;
  readonly client: Pick<MetaClient, 'get' | 'command'>;
  readonly keyOf: (name: string) => MetaKey;
  readonly groupOf: (name: string) => number;
  /** Whether that value of a topic has expired. */
  readonly hasExpired: (value: Uint8Array) => boolean;
}

export class Expirer {
  readonly #ports: ExpirerPorts;
  readonly #names = new Set<string>();
  #isBusy = false;
  /** There were more than can be remembered. */
  #isFull = false;

  constructor(ports: ExpirerPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#names.size;
  }

  /** What is retained for the topic has expired here. */
  note(name: string): void {
    if (this.#names.size < RETAINED_EXPIRED_MAX) this.#names.add(name);
    else this.#isFull = true;
  }

  /** The metadata says something else of the topic. */
  forget(name: string): void {
    this.#names.delete(name);
  }

  /** True once, when all are gone that could be remembered: who reads everything again finds the others. */
  takeOverflow(): boolean {
    if (!this.#isFull || this.#names.size > 0) return false;
    this.#isFull = false;
    return true;
  }

  tick(): void {
    if (this.#isBusy || this.#names.size === 0) return;
    this.#isBusy = true;
    const { client, node } = this.#ports;
    client.get(NODES_GROUP, [CONTROLLER_KEY], true, (outcome) => {
      const value = outcome.isOk ? outcome.value.records[0]?.value : undefined;
      if (value === undefined || controllerIn(value) !== node) this.#isBusy = false;
      else this.#delete();
    });
  }

  /** Names of one group. */
  #delete(): void {
    const { groupOf, keyOf, client } = this.#ports;
    let group: number | undefined;
    const names: string[] = [];
    for (const name of this.#names) {
      if (names.length === RETAINED_EXPIRED_BATCH) break;
      group ??= groupOf(name);
      if (groupOf(name) === group) names.push(name);
    }
    if (group === undefined) {
      this.#isBusy = false;
      return;
    }
    const its = group;
    client.get(its, names.map(keyOf), false, (outcome) => {
      if (!outcome.isOk) {
        this.#isBusy = false;
        return;
      }
      const claims: Claim[] = [];
      for (const [i, record] of outcome.value.records.entries()) {
        if (record?.value !== undefined && this.#ports.hasExpired(record.value))
          claims.push({ key: record.key, expected: record.modified, value: undefined, lease: 0 });
        else this.#names.delete(names[i]!);
      }
      this.#claim(its, claims, names);
    });
  }

  #claim(group: number, claims: readonly Claim[], names: readonly string[]): void {
    if (claims.length === 0) {
      this.#isBusy = false;
      return;
    }
    this.#ports.client.command(group, { type: 'claim', claims, wantsBefore: false }, (outcome) => {
      this.#isBusy = false;
      if (outcome.isOk) for (const name of names) this.#names.delete(name);
    });
  }
}
