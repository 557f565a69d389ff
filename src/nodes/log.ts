/**
 * The log: NDJSON on stderr (plain text when that is a terminal), so that stdout holds the READY line alone. Fields `ts level node worker actor msg code` and what the
 * event is about; the message is a fixed sentence and values are fields.
 *
 * Every thread makes its own log, but only main writes to the file descriptor: a worker's `process.stderr` is a stream
 * to main, so lines of different threads never mix.
 */
import { isatty } from 'node:tty';
import { isMainThread } from 'node:worker_threads';
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { SluiceError } from '../base/errors.ts';

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  readonly node: number;
  /** Thread number, 0 is main; or what a thread is called that has none. */
  readonly worker: number | string;
}

export function createLog(options: LogOptions, sink?: DestinationStream): Log {
  const stderr = isMainThread ? destination({ fd: 2, sync: true }) : process.stderr;
  const to = sink ?? (isatty(2) ? { write: (line: string) => stderr.write(formatForPeople(line)) } : stderr);
  return pino(
    {
      level: options.level,
      base: { node: options.node, worker: options.worker },
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    to,
  );
}

/** On a terminal a record reads `12:20:12 info  node is ready  http=127.0.0.1:8090`; a stack follows on lines of its own. */
export function formatForPeople(line: string): string {
  const { ts, level, node: _node, worker, msg, stack, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const about = worker === 0 ? fields : { worker, ...fields };
  const texts = Object.entries(about).map(
    ([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
  const head = [String(ts).slice(11, 19), String(level).padEnd(5), msg].join(' ');
  return `${[head, ...texts].join('  ')}\n${stack === undefined ? '' : `${String(stack)}\n`}`;
}

/** Fields that describe an error: its code if it has one, its text, and the stack only when it is not a user's error. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof SluiceError) return { code: error.code, error: error.message };
  if (error instanceof Error) return { error: error.message, stack: error.stack };
  return { error: String(error) };
}
