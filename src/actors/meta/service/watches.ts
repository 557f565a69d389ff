/**
 * The watchers of a group. Each has a place in the group's history and a window of bytes; what does not fit waits there, so nothing is queued for it, and one that is too
 * slow for the history hears that its place is compacted. Every change of its keys is told once and in order, a revision as a whole.
 */
import { META_WATCH_PROGRESS_MS, META_WATCH_WINDOW_BYTES } from '../../../base/limits.ts';
import type { ActorRef } from '../../../runtime/ref.ts';
import type { Answer, WatchedStep } from '../codec/answer-codec.ts';
import type { MetaMachine } from '../machine.ts';
import type { Step } from '../state/history.ts';
import { type MetaKey, recordBytes } from '../state/record.ts';

interface Watch {
  readonly to: ActorRef;
  readonly id: number;
  readonly from: MetaKey;
  readonly end: MetaKey;
  /** The first revision that it has not been told of. */
  next: number;
  /** Up to here it knows that it has been told. */
  told: number;
  room: number;
}

/** Sends an answer and returns its bytes. */
export type Tell = (to: ActorRef, id: number, answer: Answer) => number;

export class Watches {
  readonly #machine: MetaMachine;
  readonly #tell: Tell;
  readonly #watches = new Map<string, Watch>();
  #progressMs = 0;

  constructor(machine: MetaMachine, tell: Tell) {
    this.#machine = machine;
    this.#tell = tell;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** `since` 0: from now on. */
  add(to: ActorRef, id: number, from: MetaKey, end: MetaKey, since: number): void {
    const next = since === 0 ? this.#machine.revision + 1 : since;
    const watch: Watch = { to, id, from, end, next, told: 0, room: META_WATCH_WINDOW_BYTES };
    this.#watches.set(keyOfWatch(to, id), watch);
    // It hears at once that it is there, and from where on.
    if (this.#pump(watch) && watch.told === 0) this.#progress(watch);
  }

  remove(to: ActorRef, id: number): void {
    this.#watches.delete(keyOfWatch(to, id));
  }

  removeAllOf(to: ActorRef): void {
    for (const [key, watch] of this.#watches) if (watch.to === to) this.#watches.delete(key);
  }

  taken(to: ActorRef, id: number, bytes: number): void {
    const watch = this.#watches.get(keyOfWatch(to, id));
    if (watch === undefined) return;
    watch.room = Math.min(META_WATCH_WINDOW_BYTES, watch.room + bytes);
    this.#pump(watch);
  }

  /** Something has happened. */
  pump(): void {
    for (const watch of this.#watches.values()) this.#pump(watch);
  }

  /** So that a quiet watcher does not fall behind the history. */
  tick(nowMs: number): void {
    if (nowMs < this.#progressMs) return;
    this.#progressMs = nowMs + META_WATCH_PROGRESS_MS;
    for (const watch of this.#watches.values()) this.#progress(watch);
  }

  /** False: it is no more. */
  #pump(watch: Watch): boolean {
    const { history } = this.#machine;
    while (watch.next <= history.last && watch.room > 0) {
      if (watch.next <= history.compacted) {
        this.#tell(watch.to, watch.id, { type: 'compacted', revision: history.compacted });
        this.remove(watch.to, watch.id);
        return false;
      }
      const steps = this.#take(watch);
      if (steps.length === 0) return true;
      watch.told = watch.next - 1;
      watch.room -= this.#tell(watch.to, watch.id, { type: 'events', through: watch.told, steps });
    }
    return true;
  }

  /** The next steps that concern it, as many as there is room for and one at least. */
  #take(watch: Watch): WatchedStep[] {
    const { history } = this.#machine;
    const steps: WatchedStep[] = [];
    let bytes = 0;
    while (watch.next <= history.last && bytes < watch.room) {
      const step = concerning(history.step(watch.next), watch);
      watch.next++;
      if (step === undefined) continue;
      steps.push(step);
      for (const { key, record } of step.changes) bytes += recordBytes(key.length, record?.valueBytes ?? 0);
    }
    return steps;
  }

  #progress(watch: Watch): void {
    // What waits for room will say it better.
    if (watch.next <= this.#machine.history.last) return;
    watch.told = watch.next - 1;
    this.#tell(watch.to, watch.id, { type: 'events', through: watch.told, steps: [] });
  }
}

function keyOfWatch(to: ActorRef, id: number): string {
  return `${to}/${id}`;
}

function concerning({ revision, changes }: Step, { from, end }: Watch): WatchedStep | undefined {
  const found = changes.filter(({ key }) => key >= from && (end === '' || key < end));
  if (found.length === 0) return undefined;
  return { revision, changes: found.map(({ key, after }) => ({ key, record: after })) };
}
