/**
 * The values of `$SYS/broker/…`, by mosquitto's names: what the counters of all reactors come to, and what has changed since they were last told. Load values are
 * averages over 1, 5 and 15 minutes, per minute, weighed as mosquitto weighs them. Pure.
 */

/** Sums over all threads, at one moment. */
export interface SysReading {
  readonly connections: number;
  readonly sessions: number;
  readonly expired: number;
  readonly connects: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly messagesDropped: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly subscriptions: number;
  readonly sharedSubscriptions: number;
  readonly retained: number;
  readonly retainedBytes: number;
  readonly residentBytes: number;
}

type Values = ReadonlyMap<string, string>;

const PREFIX = '$SYS/broker/';
/** Minutes of the load averages. */
const SPANS = [1, 5, 15] as const;
const LOADS = {
  'messages/received': 'messagesReceived',
  'messages/sent': 'messagesSent',
  'publish/received': 'messagesReceived',
  'publish/sent': 'messagesSent',
  'publish/dropped': 'messagesDropped',
  'bytes/received': 'bytesReceived',
  'bytes/sent': 'bytesSent',
  connections: 'connects',
  sockets: 'connects',
} as const satisfies Record<string, keyof SysReading>;

export class SysTree {
  readonly #version: string;
  #told = new Map<string, string>();
  #last: { readonly at: number; readonly reading: SysReading } | undefined;
  readonly #loads = new Map<string, number>();
  #clientsMax = 0;
  #residentMax = 0;

  constructor(version: string) {
    this.#version = version;
  }

  /** What is to be told now: every topic whose value is another than it was. `now`: milliseconds on any clock that goes on steadily. */
  advance(reading: SysReading, now: number, uptimeSeconds: number): [topic: string, value: string][] {
    this.#average(reading, now);
    const changed: [string, string][] = [];
    for (const [name, value] of this.#values(reading, uptimeSeconds)) {
      if (this.#told.get(name) === value) continue;
      this.#told.set(name, value);
      changed.push([PREFIX + name, value]);
    }
    return changed;
  }

  /** Whoever kept what was told has lost it: everything is told again. */
  forget(): void {
    this.#told = new Map();
  }

  #average(reading: SysReading, now: number): void {
    const last = this.#last;
    this.#last = { at: now, reading };
    if (last === undefined || now <= last.at) return;
    const minutes = (now - last.at) / 60_000;
    for (const [name, key] of Object.entries(LOADS)) {
      const perMinute = (reading[key] - last.reading[key]) / minutes;
      for (const span of SPANS) {
        const topic = `load/${name}/${span}min`;
        const kept = Math.exp(-minutes / span);
        this.#loads.set(topic, perMinute + kept * ((this.#loads.get(topic) ?? 0) - perMinute));
      }
    }
  }

  #values(reading: SysReading, uptimeSeconds: number): Values {
    const { connections, sessions, residentBytes } = reading;
    this.#clientsMax = Math.max(this.#clientsMax, connections);
    this.#residentMax = Math.max(this.#residentMax, residentBytes);
    const offline = String(Math.max(0, sessions - connections));
    const values = new Map<string, string>([
      ['version', this.#version],
      ['uptime', `${Math.floor(uptimeSeconds)} seconds`],
      ['clients/total', String(sessions)],
      ['clients/maximum', String(this.#clientsMax)],
      ['clients/connected', String(connections)],
      ['clients/active', String(connections)],
      ['clients/disconnected', offline],
      ['clients/inactive', offline],
      ['clients/expired', String(reading.expired)],
      ['messages/received', String(reading.messagesReceived)],
      ['messages/sent', String(reading.messagesSent)],
      ['publish/messages/received', String(reading.messagesReceived)],
      ['publish/messages/sent', String(reading.messagesSent)],
      ['publish/messages/dropped', String(reading.messagesDropped)],
      ['bytes/received', String(reading.bytesReceived)],
      ['bytes/sent', String(reading.bytesSent)],
      ['subscriptions/count', String(reading.subscriptions)],
      ['shared_subscriptions/count', String(reading.sharedSubscriptions)],
      ['retained messages/count', String(reading.retained)],
      ['store/messages/count', String(reading.retained)],
      ['store/messages/bytes', String(reading.retainedBytes)],
      ['heap/current', String(residentBytes)],
      ['heap/maximum', String(this.#residentMax)],
    ]);
    for (const [name, value] of this.#loads) values.set(name, value.toFixed(2));
    return values;
  }
}
