/**
 * What a thread's actor system offers to code around its actors: boot, sockets, admin, tests. `ThreadSystem` implements
 * it, on a real thread and in the simulator alike. One per thread (0 is main, 1 … reactors are reactors); only its own
 * thread may touch it.
 */
import type { Actor, SpawnOptions } from './actor.ts';
import type { ActorKind } from './guardian.ts';
import type { SystemInspection } from './inspection.ts';
import type { ActorRef } from './ref.ts';
import type { RemoteNodes } from './remote-nodes.ts';

export interface ActorSystem {
  readonly node: number;
  readonly thread: number;
  readonly incarnation: number;
  /** Reactors are the threads 1 … reactors. */
  readonly reactors: number;
  /** This thread's counters (src/base/probe.ts). */
  readonly slots: Float64Array;
  now(): number;
  wallClock(): number;
  random(): number;
  /** A child of the thread's root guardian. It starts with the next turn. */
  spawn<M>(make: () => Actor<M>, options: SpawnOptions): ActorRef<M>;
  /** Makes an actor of a registered kind on the reactor that `key` belongs to (`placeKey`), maybe another thread. */
  spawnPinned(key: string | number, kind: string, name: string, argument: unknown, deadlineMs: number): Promise<ActorRef>;
  /** What `spawnPinned` from any thread may make here. */
  registerKind(kind: string, make: ActorKind): void;
  tell<M>(target: ActorRef<M>, message: M): boolean;
  /** `kind` is a u16 of the receiver's protocol. False: no room, nothing was sent. */
  tellBytes(target: ActorRef<never>, kind: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** For code outside actors (boot, admin); rejects with an AskError. */
  ask<R>(target: ActorRef<never>, message: unknown, deadlineMs: number): Promise<R>;
  /** Runs `hook` at the end of every turn, after the mailboxes and when everything of the turn has been published to other threads. */
  atTurnEnd(hook: () => void): void;
  /** Something was done outside a mailbox (socket bytes): makes sure that a turn ends soon. */
  requestTurn(): void;
  /** One-shot: called in a turn in which the link to `thread` has at least half of its room free, or when the link is gone. */
  whenWritable(thread: number, then: () => void): void;
  /** The same for raw bytes of this kind to another node. */
  whenNodeWritable(node: number, kind: number, then: () => void): void;
  /** Other nodes: the wire's side of the runtime, and who is reachable. */
  readonly remote: RemoteNodes;
  /** Stops (resumes) taking records from `thread`: its writers are then pushed back. Bounded use only. */
  holdInbound(thread: number, hold: boolean): void;
  /** Another reactor has finished its boot (again), or died. */
  onThreadChange(listener: ThreadListener): void;
  inspect(): SystemInspection;
  /** Stops the root's children in reverse start order, each when its mailbox is dry, and flushes the rings. */
  drain(deadlineMs: number): Promise<void>;
}

export type ThreadState = 'up' | 'down';
export type ThreadListener = (thread: number, state: ThreadState) => void;
