/** What a seed's world is like. Every knob is drawn anew, and every kind of trouble is absent from half of the worlds: some bugs show only where others cannot hide them. */
import { DEFAULT_SETTINGS, type RaftSettings } from '../../../src/actors/raft/settings.ts';
import type { Prng } from '../../../src/base/prng.ts';

export interface Swarm {
  readonly voters: number;
  /** Nodes that are not members at first. */
  readonly spares: number;
  readonly groups: number;
  readonly settings: RaftSettings;
  readonly snapshotLogBytes: number;
  readonly snapshotChunkBytes: number;
  readonly tickMs: number;
  readonly clients: number;
  readonly keys: number;
  readonly safetyMs: number;
  /** Chances per message. */
  readonly loss: number;
  readonly duplication: number;
  readonly delayMinMs: number;
  readonly delaySpreadMs: number;
  /** Chance that a message takes much longer. */
  readonly straggle: number;
  readonly syncSpreadMs: number;
  /** The state machine answers later. */
  readonly applyDelayMs: number;
  /** The state machine is on disk, and may be ahead of the newest snapshot when a node starts. */
  readonly durableMachine: boolean;
  /** It is, and says when: no snapshot is made but for a replica that needs one. */
  readonly hasCheckpoints: boolean;
  /** Old entries have to be fetched. */
  readonly coldLogs: boolean;
  /** How much faster or slower a node's clock may be, as a ratio. */
  readonly clockSkew: number;
  readonly sessionsMax: number;
  readonly sessionTtlMs: number;
  readonly leaseReads: boolean;
  /** Mean pause between troubles of a kind, milliseconds; 0: none of it. */
  readonly crashEveryMs: number;
  readonly partitionEveryMs: number;
  readonly pauseEveryMs: number;
  readonly diskEveryMs: number;
  readonly churnEveryMs: number;
  readonly transferEveryMs: number;
  readonly wipeEveryMs: number;
  readonly jumpEveryMs: number;
  /** Groups are kept in the shared log of real nodes, not in a log that is made for the simulation. */
  readonly hasJournal: boolean;
  /** Zeros that this log writes ahead of itself, bytes. */
  readonly runwayBytes: number;
}

const VOTERS = [1, 2, 3, 3, 3, 3, 4, 5, 5] as const;

export function drawSwarm(prng: Prng): Swarm {
  const one = <T>(values: readonly T[]): T => values[prng.below(values.length)]!;
  const maybe = (value: () => number): number => (prng.chance(0.5) ? value() : 0);
  const every = (meanMs: number): number => maybe(() => meanMs * (0.5 + prng.next()));
  const isSlow = prng.chance(0.3);
  const leaseReads = prng.chance(0.4);
  const drawn = {
    voters: one(VOTERS),
    spares: prng.below(3),
    groups: one([1, 1, 2, 3, 6]),
    settings: {
      ...DEFAULT_SETTINGS,
      heartbeatMs: 50,
      electionMinMs: one([200, 300, 400]),
      diskStallMs: one([400, 1000]),
      appendBytesMax: one([1, 200, 1000, 1 << 20]),
      inflightMax: one([1, 2, 8, 256]),
      inflightBytesMax: one([300, 2000, 1 << 20]),
      unappliedBytesMax: one([400, 4000, 1 << 20]),
      applyBytesMax: one([1, 500, 1 << 20]),
      logBytesMax: one([0, 3000, 1 << 20]),
      promoteLagMax: one([10, 50]),
    },
    snapshotLogBytes: one([400, 1500, 6000, 1 << 20]),
    snapshotChunkBytes: one([17, 200, 4096]),
    tickMs: one([10, 20]),
    clients: 2 + prng.below(5),
    keys: 1 + prng.below(4),
    safetyMs: 1500 + prng.below(2500),
    loss: maybe(() => prng.next() * 0.2),
    duplication: maybe(() => prng.next() * 0.2),
    delayMinMs: isSlow ? 5 : 0.2,
    delaySpreadMs: isSlow ? 60 : 3,
    straggle: maybe(() => prng.next() * 0.1),
    syncSpreadMs: one([0.5, 0.5, 5, 40]),
    applyDelayMs: one([0, 0, 1, 20]),
    durableMachine: prng.chance(0.4),
    coldLogs: prng.chance(0.3),
    clockSkew: maybe(() => 0.02 * prng.next()),
    sessionsMax: one([2, 4, 1000]),
    sessionTtlMs: one([300, 2000, 60_000]),
    leaseReads,
    crashEveryMs: every(900),
    partitionEveryMs: every(900),
    pauseEveryMs: every(1500),
    diskEveryMs: every(1200),
    churnEveryMs: every(1000),
    transferEveryMs: every(700),
    wipeEveryMs: maybe(() => every(2500)),
    jumpEveryMs: leaseReads ? 0 : every(1500),
    hasJournal: prng.chance(0.5),
  };
  // Not a draw: what a seed finds hangs on what is drawn after it.
  const hasCheckpoints = drawn.safetyMs % 5 < 2;
  const settings = { ...drawn.settings, noticeMs: one([0, 10, 40]) };
  return { ...drawn, settings, hasCheckpoints, runwayBytes: one([0, 300, 2000]) };
}
