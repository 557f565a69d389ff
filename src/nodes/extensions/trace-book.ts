/**
 * The traces of a node, on the main thread: what is traced, until when, into which file (`node.data`/traces/NAME.jsonl), and who follows it live. A trace ends after
 * its time, when its file is full, or when it is stopped; the file stays until the trace is deleted. A trace that ran when the node stopped is over.
 */
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  type ReadStream,
  readdirSync,
  rmSync,
  statSync,
  type WriteStream,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { InsightMessage } from '../../actors/insight/messages.ts';
import { TRACER_SLOT, type Traced, type TraceLine, type TraceSpec } from '../../actors/insight/traces.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { SluiceError } from '../../base/errors.ts';
import { TRACE_FILE_BYTES_MAX, TRACE_LIVE_BYTES_MAX, TRACES_MAX } from '../../base/limits.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Log } from '../log.ts';

export interface TraceView {
  readonly name: string;
  readonly kind: TraceSpec['kind'] | undefined;
  readonly value: string | undefined;
  readonly isRunning: boolean;
  /** Milliseconds since the epoch. */
  readonly endsAt: number | undefined;
  readonly bytes: number;
}

interface Running {
  readonly spec: TraceSpec;
  readonly endsAt: number;
  readonly file: WriteStream;
  readonly timer: NodeJS.Timeout;
  bytes: number;
}

const SUFFIX = '.jsonl';

export class TraceBook {
  readonly #folder: string;
  readonly #log: Log;
  readonly #running = new Map<string, Running>();
  readonly #followers = new Map<string, Set<Readable>>();
  #system: ActorSystem | undefined;

  constructor(dataFolder: string, log: Log) {
    this.#folder = join(dataFolder, 'traces');
    this.#log = log;
  }

  /** Those that are on, for a reactor that starts. */
  get specs(): readonly TraceSpec[] {
    return [...this.#running.values()].map(({ spec }) => spec);
  }

  attach(system: ActorSystem): void {
    this.#system = system;
    const receive = ({ lines }: Traced): void => {
      for (const line of lines) this.#write(line);
    };
    system.spawn<Traced>(() => ({ receive }), { name: 'tracer', wellKnown: TRACER_SLOT });
  }

  /** Throws SLUICE_HTTP_CONFLICT, SLUICE_HTTP_LIMIT, or SLUICE_HTTP_FAILED when the file cannot be made. */
  start(spec: TraceSpec, seconds: number): TraceView {
    const { name } = spec;
    if (this.#find(name) !== undefined)
      throw new SluiceError('SLUICE_HTTP_CONFLICT', `there is a trace '${name}'; delete it first`);
    if (this.list().length >= TRACES_MAX)
      throw new SluiceError('SLUICE_HTTP_LIMIT', `there are at most ${TRACES_MAX} traces; delete some`);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new SluiceError('SLUICE_HTTP_FAILED', `${this.#folder} cannot be made`, { cause: error });
    }
    const file = createWriteStream(this.#path(name), { flags: 'wx', mode: 0o600 });
    file.on('error', (error) => {
      this.#log.error({ trace: name, error: error.message }, 'a trace cannot be written and ends');
      this.stop(name);
    });
    const timer = setTimeout(() => this.stop(name), seconds * 1000);
    timer.unref();
    this.#running.set(name, { spec, endsAt: Date.now() + seconds * 1000, file, timer, bytes: 0 });
    this.#tellReactors();
    return this.#find(name)!;
  }

  /** False when it does not run. */
  stop(name: string): boolean {
    const trace = this.#running.get(name);
    if (trace === undefined) return false;
    this.#running.delete(name);
    clearTimeout(trace.timer);
    trace.file.end();
    for (const follower of this.#followers.get(name) ?? []) follower.push(null);
    this.#followers.delete(name);
    this.#tellReactors();
    return true;
  }

  /** With its file. False when there is no such trace. */
  delete(name: string): boolean {
    if (this.#find(name) === undefined) return false;
    this.stop(name);
    rmSync(this.#path(name), { force: true });
    return true;
  }

  list(): TraceView[] {
    const running = [...this.#running].map(([name, { spec, endsAt, bytes }]): TraceView => {
      return { name, kind: spec.kind, value: spec.value, isRunning: true, endsAt, bytes };
    });
    const over = this.#files().filter((name) => !this.#running.has(name));
    return [...running, ...over.map((name) => this.#viewOfFile(name))].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What is written so far; undefined when there is no such trace. */
  read(name: string): ReadStream | undefined {
    return this.#find(name) === undefined ? undefined : createReadStream(this.#path(name));
  }

  /** What is written from now on, until the trace ends; undefined when it does not run. Lines that the reader has no room for are not sent. */
  follow(name: string): Readable | undefined {
    if (!this.#running.has(name)) return undefined;
    const followers = this.#followers.get(name) ?? new Set();
    this.#followers.set(name, followers);
    const follower = new Readable({ read() {}, highWaterMark: TRACE_LIVE_BYTES_MAX });
    follower.once('close', () => followers.delete(follower));
    followers.add(follower);
    follower.push('\n'); // so that the answer begins, and whoever asked knows that he follows
    return follower;
  }

  close(): void {
    for (const name of [...this.#running.keys()]) this.stop(name);
  }

  #write({ traces, text }: TraceLine): void {
    const line = `${text}\n`;
    for (const name of traces) {
      const trace = this.#running.get(name);
      if (trace === undefined) continue;
      trace.file.write(line);
      trace.bytes += Buffer.byteLength(line);
      for (const follower of this.#followers.get(name) ?? []) {
        if (follower.readableLength < TRACE_LIVE_BYTES_MAX) follower.push(line);
      }
      if (trace.bytes >= TRACE_FILE_BYTES_MAX) {
        this.#log.warn({ trace: name, bytes: trace.bytes }, 'the file of a trace is full, the trace ends');
        this.stop(name);
      }
    }
  }

  #find(name: string): TraceView | undefined {
    return this.list().find((trace) => trace.name === name);
  }

  #files(): string[] {
    try {
      return readdirSync(this.#folder).flatMap((file) => (file.endsWith(SUFFIX) ? [file.slice(0, -SUFFIX.length)] : []));
    } catch {
      return []; // it is made with the first trace
    }
  }

  #viewOfFile(name: string): TraceView {
    const bytes = statSync(this.#path(name), { throwIfNoEntry: false })?.size ?? 0;
    return { name, kind: undefined, value: undefined, isRunning: false, endsAt: undefined, bytes };
  }

  /** A name is letters, digits, `-` and `_`. */
  #path(name: string): string {
    return join(this.#folder, name + SUFFIX);
  }

  #tellReactors(): void {
    const system = this.#system;
    if (system === undefined) return;
    for (let thread = 1; thread <= system.reactors; thread++) {
      const insight = wellKnownRef<InsightMessage>(system.node, thread, WELL_KNOWN.insight);
      system.tell<InsightMessage>(insight, { type: 'traces', traces: this.specs });
    }
  }
}
