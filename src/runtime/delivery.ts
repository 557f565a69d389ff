/**
 * Carries messages to actors wherever they live: an object into a mailbox of this thread, bytes into the ring to another
 * thread, a record to the node link. Also the receiving end of the rings.
 *
 * Order: from one sender to one receiver, messages of the same lane arrive in the order in which they were sent. On its
 * own thread a tell moves the object itself; the sender must not touch it afterwards.
 */
import { cloneBytes } from '../base/bytes.ts';
import type { AskFailure } from './actor.ts';
import { type Cell, STATE } from './cell.ts';
import type { RecordSink } from './channel.ts';
import { type DeadLetterReason, describeMessage } from './dead-letters.ts';
import { ASK_FAILURES, Envelope, isSettlement, isSystem, RECORD } from './envelope.ts';
import { receiveBytes } from './executor.ts';
import { guardianRef } from './guardian.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { type ActorRef, makeRef, nodeOf, threadOf } from './ref.ts';
import type { RemoteNodes } from './remote-nodes.ts';
import type { ThreadSystem } from './thread-system.ts';

const NOTHING = new Uint8Array(0);
const FAILED = ASK_FAILURES.indexOf('failed');
const RECORD_NAMES: readonly string[] = Object.keys(RECORD);

export class Delivery implements RecordSink {
  readonly #system: ThreadSystem;
  readonly #remote: RemoteNodes;

  constructor(system: ThreadSystem, remote: RemoteNodes) {
    this.#system = system;
    this.#remote = remote;
  }

  tell(target: ActorRef, sender: ActorRef, message: unknown): boolean {
    return this.#send(RECORD.message, target, sender, 0, message);
  }

  tellBytes(target: ActorRef, sender: ActorRef, kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    const system = this.#system;
    if (!system.isLocal(target)) return this.#sendRecord(RECORD.bytes, kind, target, sender, 0, bytes, start, end);
    const cell = system.cells.get(target);
    if (cell === undefined) {
      system.dead(target, sender, 'not_found', `bytes/${kind}`);
      return true;
    }
    return system.offer(cell, new Envelope(RECORD.bytes, kind, cloneBytes(bytes, start, end), sender, 0));
  }

  ask(target: ActorRef, sender: ActorRef, correlation: number, message: unknown): void {
    this.#send(RECORD.ask, target, sender, correlation, message);
  }

  respond(asker: ActorRef, correlation: number, sender: ActorRef, reply: unknown): void {
    this.#send(RECORD.reply, asker, sender, correlation, reply);
  }

  /** Settles an ask with a failure. */
  refuse(asker: ActorRef, correlation: number, sender: ActorRef, failure: AskFailure): void {
    const kind = ASK_FAILURES.indexOf(failure);
    if (!this.#system.isLocal(asker)) {
      this.#sendRecord(RECORD.failure, kind, asker, sender, correlation, NOTHING, 0, 0);
      return;
    }
    const cell = this.#system.cells.get(asker);
    if (cell !== undefined) this.#system.push(cell, new Envelope(RECORD.failure, kind, undefined, sender, correlation));
  }

  /** A system record to another thread or node. False when there is no way. */
  signal(type: number, kind: number, target: ActorRef, sender: ActorRef): boolean {
    return this.#sendRecord(type, kind, target, sender, 0, NOTHING, 0, 0);
  }

  #send(type: number, target: ActorRef, sender: ActorRef, correlation: number, message: unknown): boolean {
    const system = this.#system;
    if (!system.isLocal(target)) {
      if (nodeOf(target) !== system.node) {
        const { kind, bytes, start, end } = this.#remote.encode(message);
        return this.#sendRecord(type, kind, target, sender, correlation, bytes, start, end);
      }
      const encoded = encodeMessage(message);
      return this.#sendRecord(type, 0, target, sender, correlation, encoded.bytes, encoded.start, encoded.end);
    }
    const cell = system.cells.get(target);
    if (cell === undefined) return this.#undeliverable(type, target, sender, correlation, 'not_found', describeMessage(message));
    return this.#accept(cell, new Envelope(type, 0, message, sender, correlation));
  }

  #accept(cell: Cell, envelope: Envelope): boolean {
    if (isSettlement(envelope.type)) {
      this.#system.push(cell, envelope);
      return true;
    }
    if (this.#system.offer(cell, envelope)) return true;
    const { type, sender, correlation, body } = envelope;
    return this.#undeliverable(type, cell.self, sender, correlation, 'mailbox_full', describeMessage(body));
  }

  #sendRecord(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const system = this.#system;
    if (nodeOf(target) !== system.node) {
      const outcome = this.#remote.link.send(type, kind, target, sender, correlation, bytes, start, end);
      if (outcome === 'sent') return true;
      if (outcome === 'full' && type === RECORD.bytes) return false;
      return this.#lost(type, kind, target, sender, correlation, outcome === 'full' ? 'link_full' : outcome);
    }
    const link = system.links.get(threadOf(target));
    if (link === undefined) return this.#lost(type, kind, target, sender, correlation, 'unreachable');
    if (link.send(type, kind, target, sender, correlation, bytes, start, end)) return true;
    return type === RECORD.bytes ? false : this.#lost(type, kind, target, sender, correlation, 'link_full');
  }

  /** Bytes for a thread that is gone are lost like those it had not read yet: true, there is nothing to retry. */
  #lost(type: number, kind: number, target: ActorRef, sender: ActorRef, correlation: number, reason: DeadLetterReason): boolean {
    if (type === RECORD.bytes) {
      this.#system.dead(target, sender, reason, `bytes/${kind}`);
      return true;
    }
    return this.#undeliverable(type, target, sender, correlation, reason, RECORD_NAMES[type]!);
  }

  /** Counts the loss and tells an asker. Always false, the sender's answer. */
  #undeliverable(
    type: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    reason: DeadLetterReason,
    text: string,
  ): boolean {
    this.#system.dead(target, sender, reason, text);
    if (type === RECORD.ask) this.refuse(sender, correlation, target, askFailureOf(reason));
    return false;
  }

  // ---- from other nodes ----

  arrive(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const system = this.#system;
    if (system.isLocal(target)) {
      this.onRecord(type, kind, target, sender, correlation, bytes, start, end);
      return true;
    }
    const link = system.links.get(threadOf(target));
    if (link !== undefined) return link.send(type, kind, target, sender, correlation, bytes, start, end);
    if (type === RECORD.watch) system.watches.refuse(target, sender);
    else this.#lost(type, kind, target, sender, correlation, 'unreachable');
    return true;
  }

  arriveMessage(type: number, target: ActorRef, sender: ActorRef, correlation: number, message: unknown): boolean {
    const system = this.#system;
    if (system.isLocal(target)) {
      const cell = system.cells.get(target);
      if (cell === undefined) this.#undeliverable(type, target, sender, correlation, 'not_found', describeMessage(message));
      else this.#accept(cell, new Envelope(type, 0, message, sender, correlation));
      return true;
    }
    const { bytes, start, end } = encodeMessage(message);
    return this.arrive(type, 0, target, sender, correlation, bytes, start, end);
  }

  /** A message that this release cannot read. */
  undecodable(type: number, target: ActorRef, sender: ActorRef, correlation: number): void {
    if (type === RECORD.reply) this.arrive(RECORD.failure, FAILED, target, sender, correlation, NOTHING, 0, 0);
    else this.#undeliverable(type, target, sender, correlation, 'undecodable', RECORD_NAMES[type]!);
  }

  /** To all other threads of this node, behind whatever came from there before. */
  announceInboundLost(node: number, thread: number): void {
    const from = makeRef(node, thread, 0, 0);
    for (const link of this.#system.links.all()) {
      link.send(RECORD.inboundLost, 0, guardianRef(this.#system.node, link.thread) as ActorRef, from, 0, NOTHING, 0, 0);
    }
  }

  // ---- from other threads ----

  onRecord(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const system = this.#system;
    const cell = system.cells.get(target);
    if (type === RECORD.bytes) {
      this.#onBytes(cell, kind, target, sender, bytes, start, end);
    } else if (type === RECORD.inboundLost) {
      this.#remote.noteInboundLost(nodeOf(sender), threadOf(sender));
    } else if (isSystem(type)) {
      if (cell !== undefined) system.urge(cell, new Envelope(type, kind, undefined, sender, 0));
      else if (type === RECORD.watch) system.watches.refuse(target, sender);
    } else if (cell === undefined) {
      this.#undeliverable(type, target, sender, correlation, 'not_found', RECORD_NAMES[type]!);
    } else if (type === RECORD.failure) {
      system.push(cell, new Envelope(type, kind, undefined, sender, correlation));
    } else {
      this.#decode(cell, type, sender, correlation, bytes, start, end);
    }
  }

  /** What another node sent may be anything. */
  #decode(cell: Cell, type: number, sender: ActorRef, correlation: number, bytes: Uint8Array, start: number, end: number): void {
    let message: unknown;
    try {
      message = decodeMessage(bytes, start, end);
    } catch {
      if (type === RECORD.reply) this.#system.push(cell, new Envelope(RECORD.failure, FAILED, undefined, sender, correlation));
      else this.#undeliverable(type, cell.self, sender, correlation, 'undecodable', RECORD_NAMES[type]!);
      return;
    }
    this.#accept(cell, new Envelope(type, 0, message, sender, correlation));
  }

  #onBytes(
    cell: Cell | undefined,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const system = this.#system;
    if (cell === undefined) {
      system.dead(target, sender, 'not_found', `bytes/${kind}`);
    } else if (cell.state === STATE.running && !cell.isBusy && (cell.mailbox === null || cell.mailbox.isEmpty)) {
      system.trace?.(RECORD.bytes, target, sender, kind, end - start);
      receiveBytes(system, cell, sender, kind, bytes, start, end);
    } else if (!system.offer(cell, new Envelope(RECORD.bytes, kind, cloneBytes(bytes, start, end), sender, 0))) {
      system.dead(target, sender, 'mailbox_full', `bytes/${kind}`);
    }
  }
}

function askFailureOf(reason: DeadLetterReason): AskFailure {
  switch (reason) {
    case 'mailbox_full':
    case 'link_full':
      return 'mailbox_full';
    case 'unreachable':
    case 'no_route':
      return 'unreachable';
    case 'undecodable':
    case 'too_large':
      return 'failed';
    default:
      return 'not_found';
  }
}
