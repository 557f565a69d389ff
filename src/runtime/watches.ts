/**
 * Who watches whom. A watched actor knows its watchers (any thread), a watcher knows whom it watches; both forget when
 * one ends. Each watch ends in exactly one `onTerminated`, unless it is withdrawn before or its watcher stops or restarts.
 * When a thread dies, the survivors terminate what they watch there, and forget watchers that lived there.
 */
import type { TerminationReason } from './actor.ts';
import type { Cell } from './cell.ts';
import { Envelope, RECORD, TERMINATION_REASONS } from './envelope.ts';
import { type ActorRef, nodeOf, threadOf } from './ref.ts';
import { addRef, hasRef, type RefSet, refsOf, removeRef } from './ref-set.ts';
import type { ThreadSystem } from './thread-system.ts';

export class Watches {
  readonly #system: ThreadSystem;

  constructor(system: ThreadSystem) {
    this.#system = system;
  }

  watch(watcher: Cell, target: ActorRef): void {
    if (hasRef(watcher.watching, target)) return;
    watcher.watching = addRef(watcher.watching, target);
    if (this.#system.isLocal(target)) {
      const cell = this.#system.cells.get(target);
      if (cell === undefined) this.#tell(watcher.self, target, 'not_found');
      else cell.watchers = addRef(cell.watchers, watcher.self);
    } else if (!this.#system.delivery.signal(RECORD.watch, 0, target, watcher.self)) {
      this.#tell(watcher.self, target, 'unreachable');
    }
  }

  unwatch(watcher: Cell, target: ActorRef): void {
    if (!this.forget(watcher, target)) return;
    if (this.#system.isLocal(target)) {
      const cell = this.#system.cells.get(target);
      if (cell !== undefined) cell.watchers = removeRef(cell.watchers, watcher.self);
    } else {
      this.#system.delivery.signal(RECORD.unwatch, 0, target, watcher.self);
    }
  }

  unwatchAll(watcher: Cell): void {
    for (const target of refsOf(watcher.watching)) this.unwatch(watcher, target);
  }

  /** Someone on another thread watches `cell` from now on. */
  watched(cell: Cell, by: ActorRef): void {
    cell.watchers = addRef(cell.watchers, by);
  }

  unwatched(cell: Cell, by: ActorRef): void {
    cell.watchers = removeRef(cell.watchers, by);
  }

  /** A request to watch an actor that is not there. */
  refuse(target: ActorRef, watcher: ActorRef): void {
    this.#tell(watcher, target, 'not_found');
  }

  /** The watcher's side of the end of a watch. False when there was none: a notice that came after `unwatch`. */
  forget(watcher: Cell, target: ActorRef): boolean {
    if (!hasRef(watcher.watching, target)) return false;
    watcher.watching = removeRef(watcher.watching, target);
    return true;
  }

  /** `cell` is gone. */
  announce(cell: Cell, reason: TerminationReason): void {
    const watchers: RefSet = cell.watchers;
    cell.watchers = null;
    for (const watcher of refsOf(watchers)) this.#tell(watcher, cell.self, reason);
  }

  threadDied(thread: number): void {
    const { node } = this.#system;
    this.lost((ref) => nodeOf(ref) === node && threadOf(ref) === thread, 'thread_died', true);
  }

  /** Ends the watches of what is there; those who watch from there are forgotten when they cannot hear of it any more. */
  lost(isThere: (ref: ActorRef) => boolean, reason: TerminationReason, forgetWatchers: boolean): void {
    this.#system.cells.forEach((cell) => {
      for (const target of refsOf(cell.watching)) if (isThere(target)) this.#tell(cell.self, target, reason);
      if (!forgetWatchers) return;
      for (const watcher of refsOf(cell.watchers)) if (isThere(watcher)) cell.watchers = removeRef(cell.watchers, watcher);
    });
  }

  #tell(watcher: ActorRef, target: ActorRef, reason: TerminationReason): void {
    const kind = TERMINATION_REASONS.indexOf(reason);
    if (!this.#system.isLocal(watcher)) {
      this.#system.delivery.signal(RECORD.terminated, kind, watcher, target);
      return;
    }
    const cell = this.#system.cells.get(watcher);
    if (cell !== undefined) this.#system.urge(cell, new Envelope(RECORD.terminated, kind, undefined, target, 0));
  }
}
