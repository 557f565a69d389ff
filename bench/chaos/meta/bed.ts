/** What the clients of a run share: the way to the cluster, what they have heard together, and what has been found wrong. */

import type { Input, Output } from '../../../spec/sim/meta/clients.ts';
import type { Operation } from '../../../spec/sim/raft/linearizability.ts';
import type { Values } from '../../../src/actors/meta/client/open-call.ts';
import type { Outcome } from '../../../src/actors/meta/client/outcome.ts';
import type { MetaKey } from '../../../src/actors/meta/state/record.ts';
import { groupId, groupName } from '../../../src/actors/raft/group-id.ts';
import type { Prng } from '../../../src/base/prng.ts';
import type { ClientNode } from './client-node.ts';
import { FaultList } from './fault-list.ts';
import type { LeaseBook } from './lease-book.ts';
import type { MetaPort } from './meta-port.ts';
import { Story } from './story.ts';

/** All keys of the load begin so; there are others in the groups. */
export const KEYS = 'chaos/';
const ROUND_MS = 3000;
const QUIET = groupId('offset', 0);
/** Whoever asks is patient, or not at all. */
const PATIENT_MS = 8000;
const SHORT_MS_MIN = 300;
const SHORT_MS_MAX = 1800;

export class Bed {
  readonly faults: FaultList = new FaultList();
  readonly stories: ReadonlyMap<number, Story>;
  /** Of keys, and of batches, which are one key each. */
  readonly history: Operation<Input, Output>[] = [];
  readonly leases: { readonly group: number; readonly book: LeaseBook }[] = [];
  readonly #node: ClientNode;
  readonly #nodes: readonly number[];
  readonly #beganMs = performance.now();
  answered = 0;
  unknown = 0;
  /** Clients are to come to an end. */
  isOver = false;

  constructor(node: ClientNode, nodes: readonly number[], groups: readonly number[]) {
    this.#node = node;
    this.#nodes = nodes;
    this.stories = new Map(groups.map((group) => [group, new Story(groupName(group), this.fault)]));
  }

  readonly fault = (fault: string): void => this.faults.add(fault);

  nowMs(): number {
    return performance.now() - this.#beganMs;
  }

  /** Keys change from time to time, so that the history of each stays short. */
  get round(): number {
    return Math.floor(this.nowMs() / ROUND_MS);
  }

  get groups(): readonly number[] {
    return [...this.stories.keys()];
  }

  /** Where much is written; in the others only now and then, so that they keep the segments of all. */
  busyGroup(number: number): number {
    const busy = this.groups.filter((group) => group !== QUIET);
    return busy[number % busy.length]!;
  }

  story(group: number): Story {
    return this.stories.get(group)!;
  }

  /** Of a client that asks another node first than the next client does. */
  port(first: number): Promise<MetaPort> {
    const { length } = this.#nodes;
    return this.#node.port(this.#nodes.map((_, i) => this.#nodes[(first + i) % length]!));
  }

  /** Whatever it is asked, one node has to say it. */
  portTo(node: number): Promise<MetaPort> {
    return this.#node.port([node]);
  }

  deadlineMs(prng: Prng): number {
    return prng.chance(0.4) ? SHORT_MS_MIN + prng.below(SHORT_MS_MAX - SHORT_MS_MIN) : PATIENT_MS;
  }

  /** Counts, and finds answers that nobody should get. What else there is to an outcome is the caller's. */
  heard(outcome: Outcome<unknown>, what: () => string): void {
    if (outcome.isOk) this.answered++;
    else if (outcome.failure === 'unknown') this.unknown++;
    else if (outcome.failure !== 'unavailable' && outcome.failure !== 'busy')
      this.fault(`${what()} is answered ${outcome.failure}`);
  }

  /** Reads keys for `who`; undefined when nobody says what they are. */
  async look<Keys extends readonly MetaKey[]>(
    port: { get(group: number, keys: Keys, deadlineMs: number): Promise<Outcome<Values>> },
    group: number,
    keys: Keys,
    deadlineMs: number,
    who: string,
  ): Promise<(Values & { readonly callMs: number }) | undefined> {
    const callMs = this.nowMs();
    const before = this.story(group).newest;
    const outcome = await port.get(group, keys, deadlineMs);
    this.heard(outcome, () => `a read of ${keys}`);
    if (!outcome.isOk) return undefined;
    this.read(group, outcome.value.revision, callMs, before, () => `a read of ${keys} by ${who}`);
    return { ...outcome.value, callMs };
  }

  /** A read that began at `askedMs` has seen this revision. */
  read(group: number, revision: number, askedMs: number, knownBefore: number, what: () => string): void {
    const story = this.story(group);
    if (revision < knownBefore)
      this.fault(
        `${story.name}: ${what()} at ${askedMs.toFixed(1)}-${this.nowMs().toFixed(1)} ms has seen revision ${revision}, and ${knownBefore} was known before it began`,
      );
    story.known(revision, this.nowMs());
  }
}
