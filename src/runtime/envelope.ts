/** One entry of a mailbox: what arrives at an actor, from this thread or another. */
import type { AskFailure, TerminationReason } from './actor.ts';
import type { ActorRef } from './ref.ts';

/**
 * What a record or envelope is. The numbers up to `terminated` travel in rings and between nodes, `inboundLost` in rings
 * alone; the rest stays on its thread.
 */
export const RECORD = {
  bytes: 0,
  message: 1,
  ask: 2,
  reply: 3,
  failure: 4,
  watch: 5,
  unwatch: 6,
  terminated: 7,
  io: 8,
  stop: 9,
  /** A thread of another node (the record's sender names it) is not heard of any more. */
  inboundLost: 10,
} as const;

/** What may come from another node: types up to this one. */
export const RECORD_FROM_NODES_MAX: number = RECORD.terminated;

/** System records go to the system lane: they overtake whatever waits in the user lane. */
export function isSystem(type: number): boolean {
  return (type >= RECORD.watch && type <= RECORD.terminated) || type === RECORD.stop || type === RECORD.inboundLost;
}

/** Settlements must arrive: they keep their place among the tells, but no bound refuses them. */
export function isSettlement(type: number): boolean {
  return type === RECORD.reply || type === RECORD.failure;
}

/** A reason or failure as the `kind` of its record. */
export const TERMINATION_REASONS: readonly TerminationReason[] = [
  'stopped',
  'failed',
  'thread_died',
  'unreachable',
  'not_found',
  'restarted',
];
export const ASK_FAILURES: readonly AskFailure[] = ['timeout', 'mailbox_full', 'not_found', 'unreachable', 'failed'];

/** A class, so that every entry has one shape and the pump stays monomorphic. */
export class Envelope {
  readonly type: number;
  /** Receiver's protocol number of raw bytes, event of an I/O entry, code of a failure or termination. */
  readonly kind: number;
  readonly body: unknown;
  readonly sender: ActorRef;
  /** Of an ask or its settlement; 0 otherwise. */
  readonly correlation: number;

  constructor(type: number, kind: number, body: unknown, sender: ActorRef, correlation: number) {
    this.type = type;
    this.kind = kind;
    this.body = body;
    this.sender = sender;
    this.correlation = correlation;
  }
}
