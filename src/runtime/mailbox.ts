/**
 * Two lanes in front of an actor: system (watch, terminated, stop, restart) before user (everything else). Both are
 * bounded: a full user lane refuses and the sender sees it, a full system lane is a programmer's error. Settlements of
 * asks enter the user lane even when it is full; the asker bounds them by what it has asked.
 */
import { assert } from '../base/assert.ts';
import { MAILBOX_SYSTEM_MAX } from '../base/limits.ts';
import type { Envelope } from './envelope.ts';
import { Fifo } from './fifo.ts';

export class Mailbox {
  #user: Fifo<Envelope> | null = null;
  #system: Fifo<Envelope> | null = null;

  get userDepth(): number {
    return this.#user === null ? 0 : this.#user.size;
  }

  get systemDepth(): number {
    return this.#system === null ? 0 : this.#system.size;
  }

  get isEmpty(): boolean {
    return this.userDepth === 0 && this.systemDepth === 0;
  }

  /** False when the user lane holds `max` entries already. */
  offer(envelope: Envelope, max: number): boolean {
    const user = (this.#user ??= new Fifo<Envelope>());
    if (user.size >= max) return false;
    user.push(envelope);
    return true;
  }

  /** Into the user lane whatever its depth: settlements, and I/O that came in while its actor was at work. */
  force(envelope: Envelope): void {
    (this.#user ??= new Fifo<Envelope>()).push(envelope);
  }

  urge(envelope: Envelope): void {
    const system = (this.#system ??= new Fifo<Envelope>());
    assert(system.size < MAILBOX_SYSTEM_MAX, 'system lane overflow');
    system.push(envelope);
  }

  takeSystem(): Envelope | undefined {
    return this.#system === null ? undefined : this.#system.shift();
  }

  /** The next entry: system lane first. */
  take(): Envelope | undefined {
    return this.takeSystem() ?? this.#user?.shift();
  }
}
