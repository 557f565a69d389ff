/** Medians over rounds and the ratios between two targets that took the same load in turns. Pure. */
import type { BenchResult } from './result.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export interface Medians {
  readonly rate: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly cpuUsPerMsg: number | null;
  readonly rssPerConnectionBytes: number | null;
  readonly lost: number;
}

export interface Comparison {
  readonly scenario: string;
  readonly comparison: { readonly target: string; readonly peer: string; readonly rounds: number };
  readonly medians: { readonly target: Medians; readonly peer: Medians };
  /** target / peer, of the medians; a rate above 1 and everything else below 1 speak for the target. Null where one side has no figure. */
  readonly ratios: { readonly [K in keyof Omit<Medians, 'lost'>]: number | null };
}

function medianOf(results: readonly BenchResult[], pick: (result: BenchResult) => number | null | undefined): number | null {
  const values = results.map(pick).filter((value) => value !== null && value !== undefined);
  return values.length === 0 ? null : median(values);
}

function mediansOf(results: readonly BenchResult[]): Medians {
  return {
    rate: median(results.map((result) => result.rate)),
    p50Ms: medianOf(results, (result) => result.latencyMs?.p50),
    p99Ms: medianOf(results, (result) => result.latencyMs?.p99),
    cpuUsPerMsg: medianOf(results, (result) => result.cpuUsPerMsg),
    rssPerConnectionBytes: medianOf(results, (result) => result.rssPerConnectionBytes),
    lost: median(results.map((result) => result.lost)),
  };
}

function ratio(ours: number | null, theirs: number | null): number | null {
  return ours === null || theirs === null || theirs === 0 ? null : Number((ours / theirs).toFixed(3));
}

export function compare(ours: readonly BenchResult[], theirs: readonly BenchResult[]): Comparison {
  const target = mediansOf(ours);
  const peer = mediansOf(theirs);
  return {
    scenario: ours[0]?.scenario ?? '',
    comparison: { target: ours[0]?.version ?? '', peer: theirs[0]?.version ?? '', rounds: ours.length },
    medians: { target, peer },
    ratios: {
      rate: ratio(target.rate, peer.rate),
      p50Ms: ratio(target.p50Ms, peer.p50Ms),
      p99Ms: ratio(target.p99Ms, peer.p99Ms),
      cpuUsPerMsg: ratio(target.cpuUsPerMsg, peer.cpuUsPerMsg),
      rssPerConnectionBytes: ratio(target.rssPerConnectionBytes, peer.rssPerConnectionBytes),
    },
  };
}
