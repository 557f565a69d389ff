/** Alarms: what is wrong with the node now, and what was. Pure. Bounded by ALARMS_MAX and `historyMax`; the oldest of the history is forgotten. */
import { ALARMS_MAX } from '../../base/limits.ts';

export interface Alarm {
  readonly name: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  readonly activatedAt: number;
}

export interface PastAlarm extends Alarm {
  readonly deactivatedAt: number;
}

export class AlarmBook {
  historyMax: number;
  readonly #active = new Map<string, Alarm>();
  #history: PastAlarm[] = [];
  /** How often alarms have been activated. */
  activations = 0;

  constructor(historyMax: number) {
    this.historyMax = historyMax;
  }

  /** The alarm when it is new; undefined when it is active already (its details are brought up to date) or there are too many. */
  activate(name: string, message: string, details: Alarm['details'], now: number): Alarm | undefined {
    const known = this.#active.get(name);
    if (known === undefined && this.#active.size >= ALARMS_MAX) return undefined;
    const alarm = { name, message, details, activatedAt: known?.activatedAt ?? now };
    this.#active.set(name, alarm);
    if (known !== undefined) return undefined;
    this.activations++;
    return alarm;
  }

  /** The alarm that was active; undefined when there is none. */
  deactivate(name: string, now: number): PastAlarm | undefined {
    const alarm = this.#active.get(name);
    if (alarm === undefined) return undefined;
    this.#active.delete(name);
    const past = { ...alarm, deactivatedAt: now };
    this.#history.push(past);
    while (this.#history.length > this.historyMax) this.#history.shift();
    return past;
  }

  isActive(name: string): boolean {
    return this.#active.has(name);
  }

  /** Oldest first. */
  get active(): readonly Alarm[] {
    return [...this.#active.values()];
  }

  /** Latest first. */
  get history(): readonly PastAlarm[] {
    return [...this.#history].reverse();
  }

  clearHistory(): void {
    this.#history = [];
  }
}
