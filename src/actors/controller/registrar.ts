/** Keeps a node registered for as long as it lives: under a lease that it renews, made anew when it was lost. */
import { CONTROLLER_RETRY_MS, NODE_LEASE_MS, NODE_RENEWAL_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { MetaClient } from '../meta/client/client.ts';
import type { Outcome } from '../meta/client/outcome.ts';
import type { MetaCommand, MetaReply } from '../meta/command.ts';
import { encodeJson, LIVE_PREFIX, NODES_GROUP, type Registration } from './messages.ts';

const RENEW = 1;

export class RegistrarActor implements Actor<never> {
  readonly #client: MetaClient;
  readonly #registration: Registration;
  readonly #key: string;
  #lease = 0;
  #ctx!: ActorContext<never>;

  /** `prefix`: before the node's id, in the key of the registration. */
  constructor(client: MetaClient, registration: Registration, prefix: string = LIVE_PREFIX) {
    this.#key = `${prefix}${registration.node}`;
    this.#client = client;
    this.#registration = registration;
  }

  started(ctx: ActorContext<never>): void {
    this.#ctx = ctx;
    ctx.startTimer(0, RENEW);
  }

  receive(): void {}

  onTimer(): void {
    if (this.#lease === 0) this.#register();
    else this.#renew();
  }

  /** Whoever leaves in order does not make others wait for the end of its lease. */
  stopping(): void {
    if (this.#lease !== 0) this.#do({ type: 'revoke', ids: [this.#lease] }, () => {});
  }

  inspect(): unknown {
    return { lease: this.#lease };
  }

  #register(): void {
    this.#do({ type: 'grant', id: 0, ttlMs: NODE_LEASE_MS }, (granted) => {
      if (granted?.type !== 'granted') return this.#again(CONTROLLER_RETRY_MS);
      const put = { key: this.#key, value: encodeJson(this.#registration), lease: granted.id };
      // What is left of an earlier life goes first: a registration made anew is a node that has come anew.
      this.#do({ type: 'write', puts: [], deletes: [put.key] }, () => {
        this.#do({ type: 'write', puts: [put], deletes: [] }, (written) => {
          if (written?.type === 'written') this.#lease = granted.id;
          this.#again(written?.type === 'written' ? NODE_RENEWAL_MS : CONTROLLER_RETRY_MS);
        });
      });
    });
  }

  #renew(): void {
    const kept = (ttlMs: number | undefined): void => {
      if (ttlMs === 0) this.#lease = 0;
      this.#again(this.#lease === 0 ? 0 : ttlMs === undefined ? CONTROLLER_RETRY_MS : NODE_RENEWAL_MS);
    };
    const then = (outcome: Outcome<readonly number[]>): void => {
      this.#ctx.io(0, () => kept(outcome.isOk ? outcome.value[0] : undefined));
    };
    this.#client.keepAlive(NODES_GROUP, [this.#lease], then, { deadlineMs: NODE_LEASE_MS });
  }

  #again(afterMs: number): void {
    this.#ctx.startTimer(afterMs, RENEW);
  }

  #do(command: MetaCommand, then: (reply: MetaReply | undefined) => void): void {
    const done = (reply: MetaReply | undefined): void => this.#ctx.io(0, () => then(reply));
    this.#client.command(NODES_GROUP, command, (outcome) => done(outcome.isOk ? outcome.value : undefined), {
      deadlineMs: NODE_LEASE_MS,
    });
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }
}
