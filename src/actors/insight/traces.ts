/**
 * Traces: what certain clients send and are sent, or what is published to certain topics, line by line for an operator. Taken where a client's bytes come and go
 * (one look per read and per write) and where a topic's plan is followed, so that clients and topics that are not traced pay nothing.
 *
 * Bounds: TRACES_MAX traces; TRACE_QUEUED_MAX lines that wait for main, further ones are lost and the next line says how many.
 */
import { TRACE_QUEUED_MAX } from '../../base/limits.ts';
import type { Identity } from '../access/messages.ts';
import { filterMatches } from '../router/filter-match.ts';
import type { Run } from '../router/sink.ts';
import { PacketTap } from './packet-tap.ts';

export interface TraceSpec {
  readonly name: string;
  readonly kind: 'client' | 'topic' | 'address';
  readonly value: string;
  /** The beginning of payloads is shown. */
  readonly payload: boolean;
}

/** To main's tracer, TRACER_SLOT of thread 0. */
export interface Traced {
  readonly type: 'traced';
  readonly lines: readonly TraceLine[];
}

export interface TraceLine {
  readonly traces: readonly string[];
  readonly text: string;
}

/** Slot among the well-known actors of thread 0. */
export const TRACER_SLOT = 9;

/** What topics are traced by. */
export interface TopicTrace {
  published(run: Run, clientId: string): void;
  delivered(run: Run, clientIds: readonly string[]): void;
}

export class Traces {
  /** Set by the insight actor: lines have been queued. */
  onQueued: () => void = () => {};
  readonly #thread: number;
  readonly #wallClock: () => number;
  #specs: readonly TraceSpec[] = [];
  #lines: TraceLine[] = [];
  #lost = 0;

  constructor(thread: number, wallClock: () => number) {
    this.#thread = thread;
    this.#wallClock = wallClock;
  }

  get tracesTopics(): boolean {
    return this.#specs.some(({ kind }) => kind === 'topic');
  }

  replace(specs: readonly TraceSpec[]): void {
    this.#specs = specs;
  }

  /** Null for a client that is not traced. */
  tapFor({ clientId, address }: Identity, level: number): PacketTap | null {
    const specs = this.#specs.filter(
      ({ kind, value }) => (kind === 'client' && value === clientId) || (kind === 'address' && value === address),
    );
    if (specs.length === 0) return null;
    const names = specs.map(({ name }) => name);
    const shown = specs.some(({ payload }) => payload);
    return new PacketTap(level, shown, (direction, facts) => this.#add(names, { client: clientId, direction, ...facts }));
  }

  /** Null for a topic that is not traced. */
  traceOf(topic: string): TopicTrace | null {
    const specs = this.#specs.filter(({ kind, value }) => kind === 'topic' && filterMatches(value, topic));
    if (specs.length === 0) return null;
    const names = specs.map(({ name }) => name);
    const facts = ({ qos, retain, count, start, end }: Run): object => ({
      topic,
      qos,
      retain,
      messages: count,
      bytes: end - start,
    });
    return {
      published: (run, client) => this.#add(names, { client, direction: 'in', packet: 'publish', ...facts(run) }),
      delivered: (run, to) => this.#add(names, { to, direction: 'out', packet: 'publish', ...facts(run) }),
    };
  }

  take(): readonly TraceLine[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  #add(traces: readonly string[], facts: object): void {
    if (this.#lines.length >= TRACE_QUEUED_MAX) {
      this.#lost++;
      return;
    }
    const lost = this.#lost === 0 ? {} : { lost: this.#lost };
    this.#lost = 0;
    const text = JSON.stringify({ ts: this.#wallClock(), thread: this.#thread, ...lost, ...facts });
    this.#lines.push({ traces, text });
    if (this.#lines.length === 1) this.onQueued();
  }
}
