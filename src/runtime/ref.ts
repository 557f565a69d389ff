/**
 * The address of an actor, as a plain number that fits a double and a u64 on the wire.
 *
 *    51        42 41      36 35            22 21                 0
 *   +------------+----------+----------------+--------------------+
 *   |  node: 10  | thread: 6| generation: 14 |      slot: 22      |
 *   +------------+----------+----------------+--------------------+
 *                            \------- local: 36 bits -------------/
 *
 * A slot is an index into the thread's table of cells; the generation tells a later tenant of the slot from an
 * earlier one, so that a stale ref ends in dead letters and never at a stranger. Generation 0 belongs to the
 * well-known actors, whose refs anyone can compute and which keep them when their thread is respawned.
 * Numbers compare, hash and serialise by value: a ref is a Map key, a message field and a wire field as it is.
 */
import { assert } from '../base/assert.ts';

declare const messageOf: unique symbol;
export type ActorRef<M = never> = number & { readonly [messageOf]?: (message: M) => void };

export const NODE_MAX: number = 2 ** 10 - 1;
export const THREAD_MAX: number = 2 ** 6 - 1;
export const SLOT_MAX: number = 2 ** 22 - 1;
export const GENERATION_MAX: number = 2 ** 14 - 1;

const SLOT_SPAN = 2 ** 22;
const LOCAL_SPAN = 2 ** 36;
const THREAD_SPAN = 2 ** 42;

/** No actor: the sender of a message that nobody signed. */
export const NOBODY: ActorRef = 0;

export function makeRef<M>(node: number, thread: number, generation: number, slot: number): ActorRef<M> {
  assert(node >= 0 && node <= NODE_MAX, 'node out of range');
  assert(thread >= 0 && thread <= THREAD_MAX, 'thread out of range');
  assert(generation >= 0 && generation <= GENERATION_MAX, 'generation out of range');
  assert(slot >= 0 && slot <= SLOT_MAX, 'slot out of range');
  return node * THREAD_SPAN + thread * LOCAL_SPAN + generation * SLOT_SPAN + slot;
}

/** The ref of an actor that lives at the same slot on every thread (see `SpawnOptions.wellKnown`). */
export function wellKnownRef<M>(node: number, thread: number, slot: number): ActorRef<M> {
  return makeRef<M>(node, thread, 0, slot);
}

export function nodeOf(ref: ActorRef<never>): number {
  return Math.floor(ref / THREAD_SPAN);
}

export function threadOf(ref: ActorRef<never>): number {
  return Math.floor(ref / LOCAL_SPAN) & THREAD_MAX;
}

export function generationOf(ref: ActorRef<never>): number {
  return Math.floor(ref / SLOT_SPAN) & GENERATION_MAX;
}

export function slotOf(ref: ActorRef<never>): number {
  return (ref % SLOT_SPAN) | 0;
}

/** `node.thread.generation.slot`, for logs and `inspect()`. */
export function formatRef(ref: ActorRef<never>): string {
  return ref === NOBODY ? '-' : `${nodeOf(ref)}.${threadOf(ref)}.${generationOf(ref)}.${slotOf(ref)}`;
}
