/** Finds what waits on disk for other nodes, when the relay begins: an inbox for each, whose number the metadata of the node has. What waited for nodes that are not among the others any more goes. */
import { REACTORS_MAX } from '../../base/limits.ts';
import { type Inboxes, inboxStateOf } from '../inbox/inboxes.ts';
import { emptyInboxState, type InboxState } from '../inbox/machine.ts';
import { KEYS, type MetadataFailure, type MetadataMessage, type MetadataPage } from '../metadata/messages.ts';

const SHARD_BYTES = 8;

export interface BacklogsPorts {
  readonly inboxes: Inboxes;
  /** Asks the node's metadata; continuations run in turns of the relay. */
  readonly ask: <R>(message: MetadataMessage, then: (answer: R | MetadataFailure | undefined) => void) => void;
  readonly later: (then: () => void) => void;
}

/** Calls `then` with a state for each of `nodes`; undefined: the disk does not answer, and it is to be tried again. */
export function findBacklogs(
  ports: BacklogsPorts,
  nodes: readonly number[],
  then: (states: ReadonlyMap<number, InboxState> | undefined) => void,
): void {
  const { inboxes, ask, later } = ports;
  ask<MetadataPage>({ type: 'scan', prefix: KEYS.backlog, limit: REACTORS_MAX }, (page) => {
    if (page === undefined || 'code' in page) return then(undefined);
    const known = page.entries.map(([key, value]) => ({ node: Number(key.slice(KEYS.backlog.length)), shard: shardIn(value) }));
    const gone = known.filter(({ node }) => !nodes.includes(node));
    for (const { shard } of gone) inboxes.drop(shard);
    const shards = known.filter(({ node }) => nodes.includes(node));
    inboxes.describe(
      shards.map(({ shard }) => shard),
      (facts) =>
        later(() => {
          if (facts === undefined) return then(undefined);
          const states = new Map<number, InboxState>();
          for (const [i, { node, shard }] of shards.entries()) if (facts[i]) states.set(node, inboxStateOf(shard, facts[i]));
          const missing = nodes.filter((node) => !states.has(node));
          makeShards(ports, missing, [], (made) => {
            if (made === undefined) return then(undefined);
            for (const [node, shard] of made) states.set(node, emptyInboxState(shard));
            const puts = made.map(([node, shard]) => [KEYS.backlog + node, shardBytes(shard)] as const);
            const deletes = gone.map(({ node }) => KEYS.backlog + node);
            if (puts.length + deletes.length === 0) return then(states);
            ask<true>({ type: 'write', puts, deletes, sync: true }, (written) => then(written === true ? states : undefined));
          });
        }),
    );
  });
}

type Made = readonly (readonly [node: number, shard: number])[];

function makeShards(ports: BacklogsPorts, nodes: readonly number[], made: Made, then: (made: Made | undefined) => void): void {
  const node = nodes[made.length];
  if (node === undefined) return then(made);
  ports.inboxes.newShard((shard) =>
    ports.later(() => (shard === undefined ? then(undefined) : makeShards(ports, nodes, [...made, [node, shard]], then))),
  );
}

function shardBytes(shard: number): Uint8Array {
  const bytes = new Uint8Array(SHARD_BYTES);
  new DataView(bytes.buffer).setFloat64(0, shard);
  return bytes;
}

export function shardIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat64(0);
}
