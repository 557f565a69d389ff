/** One run: a fresh broker, a fresh load process, one job, one result; both processes are gone when it returns. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runFailoverScenario, runGroupsScenario } from './cluster-scenario.ts';
import { declareTopic } from './declare-topic.ts';
import { BenchError } from './load/bench-error.ts';
import type { FromLoad, Job, RawRun } from './load/job.ts';
import { runMetaScenario } from './meta-scenario.ts';
import { type BenchResult, resultOf } from './result.ts';
import { runRingScenario } from './ring-scenario.ts';
import { type Bare, isBare, isMeta, isWire, jobOf, type Params, type Scenario, settingsOf } from './scenario.ts';
import { runAppendScenario, runRecoveryScenario, runShardsScenario } from './storage-scenario.ts';
import { startTarget } from './targets/start-target.ts';
import type { TargetOptions } from './targets/target.ts';
import { runWireScenario, transportOf } from './wire-scenario.ts';

export interface Progress {
  readonly fraction: number;
  readonly phase: string;
  readonly perClient: readonly number[];
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly params: Params;
  readonly target: string;
  readonly targetOptions: TargetOptions;
  readonly onProgress?: (progress: Progress) => void;
}

/** Young generation of the load process, MiB per half: reads and writes allocate little, but must not be collected every few ms. */
const LOAD_FLAGS = ['--max-semi-space-size=32'];

function runJob(job: Job, onProgress?: (progress: Progress) => void): Promise<RawRun> {
  return new Promise((resolve, reject) => {
    const entry = fileURLToPath(new URL('./load/main.js', import.meta.url));
    const child: ChildProcess = fork(entry, [], { execArgv: LOAD_FLAGS, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let outcome: (() => void) | undefined;
    child.on('message', (message: FromLoad) => {
      if (message.type === 'ready') child.send(job);
      else if (message.type === 'progress') onProgress?.(message);
      else if (message.type === 'result') outcome = () => resolve(message.run);
      else outcome ??= () => reject(new BenchError(message.kind, message.message));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      (outcome ?? (() => reject(new BenchError('protocol', `the load process ended with ${code ?? signal}`))))(),
    );
  });
}

function runBare(kind: Bare, params: Params): Promise<RawRun> {
  switch (kind) {
    case 'ring':
      return runRingScenario(params);
    case 'append':
      return runAppendScenario(params);
    case 'shards':
      return runShardsScenario(params);
    case 'recovery':
      return runRecoveryScenario(params);
    case 'failover':
      return runFailoverScenario(params);
    case 'groups':
      return runGroupsScenario(params);
  }
}

/** What is measured where there is no broker; the logs otherwise. */
const LABELS: Partial<Record<Bare, string>> = { ring: 'runtime', failover: 'groups', groups: 'groups' };

export async function runOnce({ scenario, params, target: name, targetOptions, onProgress }: RunOptions): Promise<BenchResult> {
  if (isBare(scenario)) {
    const label = LABELS[scenario.kind] ?? 'storage';
    return resultOf({ scenario, params, target: label, version: label, extra: {} }, await runBare(scenario.kind, params));
  }
  if (isWire(scenario)) {
    const version = transportOf(name);
    const run = await runWireScenario(scenario.kind === 'wire' ? 'flood' : 'ask', params, name);
    return resultOf({ scenario, params, target: version, version, extra: {} }, run);
  }
  if (isMeta(scenario)) {
    const { version, run } = await runMetaScenario(scenario, params, name, targetOptions);
    return resultOf({ scenario, params, target: name, version, extra: {} }, run);
  }
  const settings = [...settingsOf(scenario), ...(targetOptions.settings ?? [])];
  const { username, password } = params;
  const login = scenario.kind === 'logins' && username !== '' ? { login: { username, password } } : {};
  const target = await startTarget(name, { ...targetOptions, ...login, settings });
  try {
    if (scenario.kind === 'durable' && target.http !== undefined) await declareTopic(target.http, params);
    const run = await runJob(jobOf(scenario, params, target), onProgress);
    const reactors = name === 'sluice' && targetOptions.reactors !== undefined ? { reactors: targetOptions.reactors } : {};
    const transport = targetOptions.tls === true ? { transport: 'tls' } : {};
    return resultOf(
      { scenario, params, target: target.name, version: target.version, extra: { ...reactors, ...transport } },
      run,
    );
  } finally {
    await target.stop();
  }
}
