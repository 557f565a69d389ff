/**
 * Shared subscriptions that have members on other nodes alone: a message that is published here goes to one of those nodes, each in turn, which gives it to one of its members. A group that has a member on this node
 * keeps what is published here; so there is one receiver in the whole cluster, and the way to it is short.
 */
import type { Router } from '../router/router.ts';
import type { Run, Sink } from '../router/sink.ts';
import type { Outgoing } from './outgoing.ts';

class RemoteGroup implements Sink {
  readonly isRelay = true;
  readonly filter: string;
  readonly nodes: Outgoing[] = [];
  isSubscribed = false;
  readonly #key: Uint8Array;
  #turn = 0;

  constructor(key: string) {
    this.#key = Buffer.from(key);
    this.filter = key.slice(key.indexOf('/') + 1);
  }

  deliver(run: Run): void {
    const { nodes } = this;
    const up = nodes.filter(({ isUp }) => isUp);
    const among = up.length > 0 ? up : nodes;
    this.#turn = (this.#turn + 1) % among.length;
    among[this.#turn]!.pass(run, this.#key);
  }

  deliveryFailed(error: unknown): void {
    throw error;
  }
}

export class RemoteGroups {
  readonly #router: Router;
  readonly #isHere: (key: string) => boolean;
  readonly #groups = new Map<string, RemoteGroup>();

  /** `isHere`: a group, `name/filter`, has a member on this node. */
  constructor(router: Router, isHere: (key: string) => boolean) {
    this.#router = router;
    this.#isHere = isHere;
  }

  get size(): number {
    return this.#groups.size;
  }

  /** A group has members on a node, or none any more. */
  change(key: string, node: Outgoing, isThere: boolean): void {
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (!isThere) return;
      this.#groups.set(key, (group = new RemoteGroup(key)));
    }
    const at = group.nodes.indexOf(node);
    if (isThere && at < 0) group.nodes.push(node);
    else if (!isThere && at >= 0) group.nodes.splice(at, 1);
    this.#settle(key, group);
    if (group.nodes.length === 0) this.#groups.delete(key);
  }

  /** Whether it has members here may have changed. */
  hereChanged(key: string): void {
    const group = this.#groups.get(key);
    if (group !== undefined) this.#settle(key, group);
  }

  #settle(key: string, group: RemoteGroup): void {
    const wants = group.nodes.length > 0 && !this.#isHere(key);
    if (wants === group.isSubscribed) return;
    group.isSubscribed = wants;
    if (wants) this.#router.subscribe(group, group.filter, { qos: 2, retainAsPublished: true });
    else this.#router.unsubscribeAll(group);
  }
}
