/** Runs a list of scenarios, each alone or in turns with a peer (A B A B …), and hands every result on as soon as it is there. */
import { type Comparison, compare } from './compare.ts';
import type { BenchResult } from './result.ts';
import { type Progress, runOnce } from './run.ts';
import { comparesWith, isBare, isWire, type Params, type Scenario } from './scenario.ts';
import type { TargetOptions } from './targets/target.ts';
import { paramsFor, transportOf } from './wire-scenario.ts';

export interface SuiteOptions {
  readonly scenarios: readonly Scenario[];
  /** What the command line changes in every scenario's defaults. */
  readonly changes: Partial<Params>;
  readonly target: string;
  readonly targetOptions: TargetOptions;
  readonly peer?: string;
  readonly rounds: number;
}

export interface SuiteListener {
  onStart(scenario: Scenario, target: string, params: Params): void;
  onProgress(progress: Progress): void;
  onResult(result: BenchResult, scenario: Scenario): void;
  onComparison(comparison: Comparison): void;
}

export async function runSuite(options: SuiteOptions, listener: SuiteListener): Promise<void> {
  for (const scenario of options.scenarios) {
    const params = { ...scenario.params, ...options.changes };
    const one = async (target: string): Promise<BenchResult> => {
      const given = isWire(scenario) ? paramsFor(target, params) : params;
      listener.onStart(scenario, isBare(scenario) ? scenario.kind : isWire(scenario) ? transportOf(target) : target, given);
      const { targetOptions } = options;
      const result = await runOnce({
        scenario,
        params: given,
        target,
        targetOptions,
        onProgress: (progress) => listener.onProgress(progress),
      });
      listener.onResult(result, scenario);
      return result;
    };
    const ours: BenchResult[] = [];
    const theirs: BenchResult[] = [];
    for (let round = 0; round < options.rounds; round++) {
      ours.push(await one(options.target));
      if (options.peer !== undefined && comparesWith(scenario, options.peer)) theirs.push(await one(options.peer));
    }
    if (theirs.length > 0) listener.onComparison(compare(ours, theirs));
  }
}
