/**
 * How a cluster begins, once. Nobody may decide that from an empty disk alone: a node that has lost its disk would found a second cluster beside the first. So the member with the
 * lowest number decides, and only when it has heard all members, in this life of theirs, say that they have nothing of a group on their disks. It founds the groups with the replicas that it
 * has heard; the others join, empty, and get the log. A node that hears of a cluster that is there joins it: its leaders take it in under its new name (rebalance.ts), and it votes for nothing that
 * its lost disk might have voted for. Until then it takes part in nothing.
 */
import type { ReplicaId } from '../raft/replica.ts';

/** What counts of what a member says of itself. */
export interface MemberWord {
  readonly node: number;
  readonly replica: ReplicaId;
  readonly members: readonly number[];
  readonly groups: readonly number[];
  readonly founded: boolean;
}

export type FoundingDecision =
  | { readonly do: 'wait'; readonly why: string }
  /** There is a cluster, or somebody else decides. */
  | { readonly do: 'join' }
  | { readonly do: 'found'; readonly voters: readonly ReplicaId[] };

/** `others`: the last word of each other member in its present life. */
export function decideFounding(self: MemberWord, others: ReadonlyMap<number, MemberWord>): FoundingDecision {
  if (self.founded) return { do: 'join' };
  for (const other of others.values()) if (other.founded) return { do: 'join' };
  const missing = self.members.filter((node) => node !== self.node && !others.has(node));
  if (missing.length > 0) return { do: 'wait', why: `for a first word of node ${missing.join(', ')}` };
  for (const other of others.values()) {
    if (!isSameList(other.members, self.members))
      return { do: 'wait', why: `node ${other.node} has other members in cluster.meta: ${other.members.join(', ')}` };
    if (!isSameList(other.groups, self.groups)) return { do: 'wait', why: `node ${other.node} has other numbers in meta.groups` };
  }
  if (self.node !== Math.min(...self.members))
    return { do: 'wait', why: `for node ${Math.min(...self.members)} to found the groups` };
  return { do: 'found', voters: [self.replica, ...[...others.values()].map(({ replica }) => replica)].sort((a, b) => a - b) };
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
