/**
 * Holds a lease and renews it, now and then too late; sometimes it takes its key out of the lease, and then that stays for good. While the group has said that it goes on, its key must be there: from a renewal's answer until its time, counted
 * from when the renewal was asked for.
 */
import type { MetaClient } from '../../../src/actors/meta/client/client.ts';
import type { MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import type { ClientWorld } from './clients.ts';
import { must } from './oracle.ts';

export const TTL_MS = 1500;

export class LeaseHolder {
  readonly #world: ClientWorld;
  readonly #client: MetaClient;
  readonly #name: string;
  #id = 0;
  #count = 0;
  #key = '';
  /** Until then the key is promised to be there. */
  #safeUntilMs = 0;
  /** Keys that have left their leases. */
  readonly #kept = new Set<string>();
  isStopped = false;
  readonly ended: string[] = [];
  renewals = 0;

  constructor(world: ClientWorld, client: MetaClient, name: string) {
    this.#world = world;
    this.#client = client;
    this.#name = name;
  }

  get key(): string {
    return this.#key;
  }

  start(): void {
    this.#do({ type: 'grant', id: 0, ttlMs: TTL_MS }, (reply) => {
      if (reply?.type !== 'granted') return this.#world.at(200, () => this.#again());
      this.#id = reply.id;
      const key = `${this.#name}/${++this.#count}`;
      this.#do({ type: 'write', puts: [{ key, value: Buffer.from('held'), lease: reply.id }], deletes: [] }, (written) => {
        if (written?.type !== 'written') return this.#again();
        this.#key = key;
        this.#safeUntilMs = 0;
        this.#renew();
      });
    });
  }

  /** By the one story: the key has gone at `atMs`. */
  deleted(key: string, atMs: number): void {
    must(!this.#kept.has(key), `${key} has gone with a lease that it had left`);
    if (key !== this.#key) return;
    must(
      atMs >= this.#safeUntilMs,
      `${key} has gone at ${atMs.toFixed(1)}, and was promised until ${this.#safeUntilMs.toFixed(1)}`,
    );
    this.ended.push(key);
    this.#key = '';
  }

  #renew(): void {
    const { prng } = this.#world;
    // In time; too late; or in the moment in which the lease ends.
    const choice = prng.next();
    const afterMs = choice < 0.5 ? TTL_MS / 3 : choice < 0.6 ? 2.5 * TTL_MS : TTL_MS - 30 + 40 * prng.next();
    this.#world.at(afterMs, () => {
      if (this.isStopped) return;
      if (prng.chance(0.1)) return this.#keep(this.#key);
      const askedMs = this.#world.nowMs();
      const renewed = (ttlMs: number | undefined): void => {
        if (ttlMs === undefined) return this.#renew();
        if (ttlMs === 0) return this.#again();
        this.renewals++;
        // The answer may be old: what it promises began when it was asked for.
        if (this.#key !== '') this.#safeUntilMs = Math.max(this.#safeUntilMs, askedMs + TTL_MS);
        this.#renew();
      };
      this.#client.keepAlive(
        1,
        [this.#id],
        (outcome) => this.#world.guard(() => renewed(outcome.isOk ? outcome.value[0] : undefined)),
        { deadlineMs: TTL_MS },
      );
    });
  }

  #keep(key: string): void {
    if (key === '') return this.#again();
    this.#do({ type: 'write', puts: [{ key, value: Buffer.from('kept'), lease: 0 }], deletes: [] }, (reply) => {
      // It may have gone before, and be there anew: it stays either way. Whoever hears nothing knows nothing.
      if (reply?.type === 'written') this.#kept.add(key);
      this.#key = '';
      this.#again();
    });
  }

  #again(): void {
    if (!this.isStopped) this.start();
  }

  #do(command: MetaCommand, then: (reply: MetaReply | undefined) => void): void {
    this.#client.command(1, command, (outcome) => this.#world.guard(() => then(outcome.isOk ? outcome.value : undefined)), {
      deadlineMs: TTL_MS,
    });
  }
}
