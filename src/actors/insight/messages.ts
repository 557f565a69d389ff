/** What operators look at while a reactor runs: its insight actor takes what is to be watched, and answers. */
import type { IntakeOptions } from '../intake/intake.ts';
import type { ShareStrategy } from '../share/strategy.ts';
import type { MeterSpec } from './meters.ts';
import type { SlowEntry } from './slow-top.ts';
import type { TraceSpec } from './traces.ts';

/** What can change for a whole reactor. Plain data. */
export interface ReactorBounds {
  /** Of topic names that are new to it. */
  readonly topicLevelsMax: number;
  readonly sharing: {
    readonly strategy: ShareStrategy;
    readonly groups: readonly (readonly [name: string, strategy: ShareStrategy])[];
  };
  /** Of its part of the retained messages; those that are there stay. */
  readonly retained: { readonly messagesMax: number; readonly bytesMax: number };
}

export type InsightMessage =
  /** These topic metrics replace all. Answered by true. */
  | { readonly type: 'meters'; readonly meters: readonly MeterSpec[] }
  /** These traces replace all. Answered by true. */
  | { readonly type: 'traces'; readonly traces: readonly TraceSpec[] }
  /** What has been reloaded. Answered by true. */
  | { readonly type: 'reload'; readonly intake: IntakeOptions; readonly bounds: ReactorBounds; readonly logLevel: string }
  /** Answered by a `SlowList`. */
  | { readonly type: 'slow' }
  /** Answered by true. */
  | { readonly type: 'clear-slow' };

export interface SlowList {
  readonly clients: readonly SlowEntry[];
}
