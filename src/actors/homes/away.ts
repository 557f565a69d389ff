/**
 * A session that has moved while this node was away, or could not hear: what is here for it goes to its new home as further messages, a page at a time, and so does what the other nodes have kept for this one, up to their fences. Then
 * nothing of it is left.
 */

import type { HomeDone } from '../../wire/schema-types.ts';
import type { Found } from './directory.ts';
import type { Emigrant } from './emigrant.ts';
import type { Identity } from './entry.ts';
import { decodeEntry } from './entry.ts';
import type { HomesMessage } from './messages.ts';
import { encodePage } from './page.ts';

export interface AwayPorts {
  readonly node: number;
  /** All that pass messages on to each other. */
  readonly nodes: readonly number[];
  readonly find: (clientId: string, then: (found: Found | undefined) => void) => void;
  readonly ask: <R>(node: number, message: HomesMessage, then: (reply: R | undefined) => void) => void;
  readonly later: (then: () => void) => void;
  readonly forwarded: (messages: number) => void;
}

export class Away {
  readonly clientId: string;
  readonly identity: Identity;
  readonly #ports: AwayPorts;
  readonly #emigrant: Emigrant;
  readonly #onEnd: () => void;
  #home = 0;
  #isComplete = false;
  #isBusy = false;
  #isOver = false;

  constructor(ports: AwayPorts, emigrant: Emigrant, identity: Identity, onEnd: () => void) {
    this.#ports = ports;
    this.#emigrant = emigrant;
    this.clientId = emigrant.clientId;
    this.identity = identity;
    this.#onEnd = onEnd;
    emigrant.disown();
    emigrant.whenPassed(ports.nodes, () => {
      this.#isComplete = true;
    });
  }

  /** A fence of the session, behind which a later home than this node takes what the node publishes. */
  passed({ life, epoch }: Identity, node: number): void {
    if (life === this.identity.life && epoch > this.identity.epoch) this.#emigrant.passed(node);
  }

  /** Goes on; to be called again and again. */
  tick(): void {
    if (this.#isBusy || this.#isOver) return;
    this.#isBusy = true;
    this.#ports.find(this.clientId, (found) =>
      this.#ports.later(() => {
        this.#isBusy = false;
        if (found === undefined) return;
        const entry = found.value === undefined ? undefined : decodeEntry(found.value);
        // Its client has begun anew, or it has expired: nobody is to have what is here.
        if (entry?.life !== this.identity.life) return this.#end();
        this.#home = entry.home;
        this.#askFences();
        this.#forward();
      }),
    );
  }

  #askFences(): void {
    if (this.#isComplete) return;
    const { node, ask } = this.#ports;
    ask<HomeDone>(this.#home, { type: 'HomeFence', clientId: this.clientId, life: this.identity.life, to: node }, () => {});
  }

  #forward(): void {
    const emigrant = this.#emigrant;
    const { machine } = emigrant.inbox;
    if (machine.ackedTo >= machine.end && machine.staged === 0) {
      if (this.#isComplete) this.#end();
      return;
    }
    this.#isBusy = true;
    const { later, ask } = this.#ports;
    const over = (): void => {
      this.#isBusy = false;
    };
    emigrant.page(machine.ackedTo, (page) =>
      later(() => {
        if (page === undefined) return over();
        const runs = emigrant.unfinished(page.runs);
        const taken = (): void => {
          over();
          emigrant.trim(page.next);
          this.#ports.forwarded(runs.reduce((sum, { count }) => sum + count, 0));
          this.#forward();
        };
        if (runs.length === 0) return page.next > machine.ackedTo ? taken() : over();
        const { life } = this.identity;
        ask<HomeDone>(this.#home, { type: 'HomeFurther', clientId: this.clientId, life, bytes: encodePage(runs) }, (answer) =>
          answer?.isDone === true ? taken() : over(),
        );
      }),
    );
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#emigrant.drop(this.#home === this.#ports.node);
    this.#onEnd();
  }
}
