/** The alarms of a node, on the main thread: looks at its vitals every few seconds, and tells whoever listens to `$events/alarm_activated` and `$events/alarm_deactivated`. */
import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { Log } from '../log.ts';
import type { OwnMetric } from '../metrics.ts';
import { type Alarm, AlarmBook, type PastAlarm } from './alarm-book.ts';
import { conditionsOf, type NodeVitals, type Thresholds } from './conditions.ts';

/** What may change while the node runs. */
export interface AlarmSettings {
  readonly thresholds: Thresholds;
  readonly intervalMs: number;
  readonly historyMax: number;
}

export interface AlarmOptions extends AlarmSettings {
  readonly dataFolder: string;
  readonly vitals: () => Omit<NodeVitals, 'residentBytes' | 'memoryBytes' | 'disk'>;
  readonly log: Log;
  readonly onChange: (event: 'alarm_activated' | 'alarm_deactivated', alarm: Alarm | PastAlarm) => void;
}

export class Alarms {
  readonly book: AlarmBook;
  #options: AlarmOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AlarmOptions) {
    this.#options = options;
    this.book = new AlarmBook(options.historyMax);
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#options.intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  change(settings: AlarmSettings): void {
    this.#options = { ...this.#options, ...settings };
    this.book.historyMax = settings.historyMax;
    if (this.#timer === undefined) return;
    this.stop();
    this.start();
  }

  async look(): Promise<void> {
    const { vitals, thresholds, dataFolder } = this.#options;
    const disk = await statfs(dataFolder).then(
      ({ bavail, blocks, bsize }) => ({ freeBytes: bavail * bsize, bytes: blocks * bsize }),
      () => undefined, // it is made with the first file
    );
    const all = { ...vitals(), residentBytes: process.memoryUsage.rss(), memoryBytes: totalmem(), disk };
    for (const { name, message, details, state } of conditionsOf(all, thresholds)) {
      if (state === 'bad' || (state === 'keep' && this.book.isActive(name))) this.activate(name, message, details);
      else this.deactivate(name);
    }
  }

  activate(name: string, message: string, details: Alarm['details']): void {
    const alarm = this.book.activate(name, message, details, Date.now());
    if (alarm === undefined) return;
    this.#options.log.warn({ alarm: name, ...details }, message);
    this.#options.onChange('alarm_activated', alarm);
  }

  /** False when there is no such alarm. */
  deactivate(name: string): boolean {
    const past = this.book.deactivate(name, Date.now());
    if (past === undefined) return false;
    this.#options.log.info({ alarm: name }, 'an alarm is over');
    this.#options.onChange('alarm_deactivated', past);
    return true;
  }

  metrics(): readonly OwnMetric[] {
    return [
      {
        name: 'sluice_alarms_active',
        kind: 'gauge',
        help: 'Alarms that are active, by name.',
        labelNames: ['alarm'],
        read: () => this.book.active.map(({ name }) => ({ labels: { alarm: name }, value: 1 })),
      },
      {
        name: 'sluice_alarms_activated_total',
        kind: 'counter',
        help: 'Alarms activated since the node was started.',
        read: () => [{ value: this.book.activations }],
      },
    ];
  }
}
