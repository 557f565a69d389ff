/**
 * Where messages end that reach nobody: all are counted, the last DEAD_LETTERS_KEPT are kept for `inspect()`, without
 * their contents (which may be large, or memory that is reused).
 */
import { DEAD_LETTERS_KEPT } from '../base/limits.ts';
import { type ActorRef, formatRef } from './ref.ts';

export type DeadLetterReason =
  | 'not_found'
  | 'mailbox_full'
  | 'link_full'
  | 'unreachable'
  | 'no_route'
  | 'no_handler'
  | 'failed'
  | 'stopped'
  | 'too_late'
  | 'undecodable'
  | 'too_large';

export interface DeadLetter {
  /** Monotonic milliseconds of its thread. */
  readonly atMs: number;
  readonly target: string;
  readonly sender: string;
  readonly reason: DeadLetterReason;
  /** The message's `type` field or JavaScript type, `bytes/KIND` for raw data. */
  readonly message: string;
  readonly error?: string;
}

export class DeadLetters {
  readonly #kept: DeadLetter[] = [];
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(atMs: number, target: ActorRef, sender: ActorRef, reason: DeadLetterReason, message: string, error?: unknown): void {
    const letter: DeadLetter = { atMs, target: formatRef(target), sender: formatRef(sender), reason, message };
    this.#kept[this.#total % DEAD_LETTERS_KEPT] = error === undefined ? letter : { ...letter, error: describeError(error) };
    this.#total++;
  }

  /** Oldest first. */
  last(): readonly DeadLetter[] {
    const from = this.#total % DEAD_LETTERS_KEPT;
    return this.#total <= DEAD_LETTERS_KEPT ? [...this.#kept] : [...this.#kept.slice(from), ...this.#kept.slice(0, from)];
  }
}

export function describeMessage(message: unknown): string {
  if (typeof message !== 'object' || message === null) return typeof message;
  if ('type' in message && typeof message.type === 'string') return message.type;
  return message.constructor?.name ?? 'object';
}

function describeError(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
