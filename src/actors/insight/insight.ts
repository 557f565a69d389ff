/** What is watched on one reactor. Plain data of its thread; the insight actor brings main's wishes. */
import type { IntakeOptions } from '../intake/intake.ts';
import type { ReactorBounds } from './messages.ts';
import { Meters } from './meters.ts';
import { type SlowOptions, SlowTop } from './slow-top.ts';
import { type TraceSpec, Traces } from './traces.ts';

/** Crosses into the reactor with its boot arguments. */
export interface InsightOptions {
  /** Of the topic metrics; see meters.ts. */
  readonly meters: SharedArrayBuffer;
  /** Null: nobody measures. */
  readonly slow: SlowOptions | null;
  /** Those that are on when the reactor starts. */
  readonly traces: readonly TraceSpec[];
}

export class Insight {
  readonly meters: Meters;
  readonly slow: SlowTop | null;
  /** What is watched has changed: topics are to be planned anew. */
  onChange: () => void = () => {};
  /** Who is traced has changed. */
  onTraces: () => void = () => {};
  /** What comes in is treated otherwise from now on. */
  onIntake: (options: IntakeOptions) => void = () => {};
  onBounds: (bounds: ReactorBounds) => void = () => {};
  onLogLevel: (level: string) => void = () => {};
  readonly traces: Traces;

  constructor({ meters, slow, traces }: InsightOptions, thread: number, wallClock: () => number) {
    this.traces = new Traces(thread, wallClock);
    this.traces.replace(traces);
    this.meters = new Meters(meters, thread);
    this.slow = slow === null ? null : new SlowTop(slow);
  }
}
