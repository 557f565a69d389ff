/** What a majority has, or says. A joint membership needs both majorities. */
import { MEMBERS_MAX } from '../../../base/limits.ts';
import type { Membership } from '../membership.ts';
import type { ReplicaId } from '../replica.ts';
import type { Progress } from './progress.ts';

const scratch = new Float64Array(2 * MEMBERS_MAX);

/** The highest value that a quorum has reached; members without progress have 0. */
export function quorumValue(membership: Membership, progress: readonly Progress[], pick: (progress: Progress) => number): number {
  const incoming = majorityValue(membership.voters, progress, pick);
  const outgoing = majorityValue(membership.outgoing, progress, pick);
  return Math.min(incoming, outgoing);
}

/** No voters at all leave the decision to the other half. */
function majorityValue(
  voters: readonly ReplicaId[],
  progress: readonly Progress[],
  pick: (progress: Progress) => number,
): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const found = findProgress(progress, voters[i]!);
    const value = found === undefined ? 0 : pick(found);
    let place = i;
    for (; place > 0 && scratch[place - 1]! > value; place--) scratch[place] = scratch[place - 1]!;
    scratch[place] = value;
  }
  return scratch[count - 1 - (count >> 1)]!;
}

export function findProgress(progress: readonly Progress[], id: ReplicaId): Progress | undefined {
  for (let i = 0; i < progress.length; i++) if (progress[i]!.id === id) return progress[i];
  return undefined;
}

export type Verdict = 'won' | 'lost' | 'open';

export function verdict(membership: Membership, votes: ReadonlyMap<ReplicaId, boolean>): Verdict {
  const incoming = majorityVerdict(membership.voters, votes);
  const outgoing = majorityVerdict(membership.outgoing, votes);
  if (incoming === 'lost' || outgoing === 'lost') return 'lost';
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'open';
}

function majorityVerdict(voters: readonly ReplicaId[], votes: ReadonlyMap<ReplicaId, boolean>): Verdict {
  if (voters.length === 0) return 'won';
  const needed = (voters.length >> 1) + 1;
  let yes = 0;
  let no = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === true) yes++;
    if (vote === false) no++;
  }
  if (yes >= needed) return 'won';
  return voters.length - no < needed ? 'lost' : 'open';
}
