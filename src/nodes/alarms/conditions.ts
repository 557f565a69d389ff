/** What the node is measured by, and which alarms follow. Pure. An alarm goes when its value is a tenth below its threshold, so that it does not flap. */

export interface NodeVitals {
  /** Share of the last second that each reactor was busy, by thread. */
  readonly busy: ReadonlyMap<number, number>;
  readonly reactorsDown: readonly number[];
  readonly residentBytes: number;
  readonly memoryBytes: number;
  /** Of the disk of node.data; undefined when that cannot be told. */
  readonly disk: { readonly freeBytes: number; readonly bytes: number } | undefined;
  readonly connections: number;
  readonly connectionsMax: number;
}

/** Shares of the whole; 0 switches one off. */
export interface Thresholds {
  readonly busy: number;
  readonly memory: number;
  readonly diskUsed: number;
  readonly connections: number;
}

export interface Condition {
  readonly name: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** `keep`: an alarm that is active stays, one that is not does not begin. */
  readonly state: 'bad' | 'keep' | 'good';
}

const RELIEF = 0.9;

export function conditionsOf(vitals: NodeVitals, thresholds: Thresholds): Condition[] {
  const { residentBytes, memoryBytes, disk, connections, connectionsMax } = vitals;
  const conditions = [
    share('memory_high', 'The process takes much of the memory of the machine', residentBytes, memoryBytes, thresholds.memory),
    share(
      'connections_high',
      'There are nearly as many connections as are allowed',
      connections,
      connectionsMax,
      thresholds.connections,
    ),
  ];
  if (disk !== undefined)
    conditions.push(
      share('disk_full', 'The disk of node.data is nearly full', disk.bytes - disk.freeBytes, disk.bytes, thresholds.diskUsed),
    );
  for (const [thread, busy] of vitals.busy)
    conditions.push(share(`reactor_busy_${thread}`, `Reactor ${thread} has little time left`, busy, 1, thresholds.busy));
  for (const thread of vitals.busy.keys()) {
    const isDown = vitals.reactorsDown.includes(thread);
    conditions.push({
      name: `reactor_down_${thread}`,
      message: `Reactor ${thread} has died and is being started again`,
      details: { thread },
      state: isDown ? 'bad' : 'good',
    });
  }
  return conditions;
}

function share(name: string, message: string, value: number, of: number, threshold: number): Condition {
  const ratio = of === 0 ? 0 : value / of;
  const state = threshold === 0 || ratio < threshold * RELIEF ? 'good' : ratio >= threshold ? 'bad' : 'keep';
  return { name, message, details: { value, of, threshold }, state };
}
