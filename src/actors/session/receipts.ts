/**
 * Acknowledgements of one connection that wait until its messages are written, in the order of the packets that they answer [MQTT-4.6.0-2] [MQTT-4.6.0-3]: what needs
 * no disk waits behind what does. There is one only while something waits.
 *
 *   PUBLISH 1 2 3 ── write A ─┐           acknowledged together when A is done
 *   PUBLISH 4 ──── nothing ───┤           … and this with them
 *   PUBLISH 5 6 ──── write B ─┘           when A and B are done
 */
import { ACK_BYTES, ACK_REASON_BYTES_MAX, writeAck, writeAckReason } from '../../wire/mqtt/acks.ts';
import { DIALECT_5, PacketType } from '../../wire/mqtt/constants.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { Receipt, StagedWrite } from '../shard/staged.ts';
import type { StoreErrorCode } from '../store/messages.ts';
import type { Client } from './client.ts';

export interface ReceiptsHost {
  /** A message of QoS 2 was not taken: its packet id is free, so that it is new when the client sends it again. */
  forgetInbound(packetId: number): void;
  /** Messages were not written, and there is no way to tell this client but to part from it. */
  unwritten(): void;
}

/** Acknowledgements that wait for the same writes. */
class AckReceipt implements Receipt {
  readonly #receipts: Receipts;
  /** The only write that it waits for, if it is only one. */
  readonly write: StagedWrite | null;
  pending: number;
  code: StoreErrorCode | undefined;
  /** type << 24 | reason << 16 | packet id */
  readonly acks: number[] = [];

  constructor(receipts: Receipts, writes: readonly StagedWrite[]) {
    this.#receipts = receipts;
    this.write = writes.length === 1 ? writes[0]! : null;
    this.pending = writes.length;
    for (const write of writes) write.await(this);
  }

  written(code: StoreErrorCode | undefined): void {
    this.code ??= code;
    if (--this.pending === 0) this.#receipts.release();
  }
}

export class Receipts {
  readonly #client: Client;
  readonly #host: ReceiptsHost;
  #queue: AckReceipt[] = [];
  #isReleasing = false;

  constructor(client: Client, host: ReceiptsHost) {
    this.#client = client;
    this.#host = host;
  }

  /** Where to put the acknowledgements (see `packAck`) of messages that go to `writes`; empty: what needs no disk but must keep its place. */
  after(writes: readonly StagedWrite[]): number[] {
    const last = this.#queue.at(-1);
    const joins =
      last !== undefined && last.pending > 0 && (writes.length === 0 || (writes.length === 1 && last.write === writes[0]));
    if (joins) return last.acks;
    const receipt = new AckReceipt(this, writes);
    this.#queue.push(receipt);
    return receipt.acks;
  }

  release(): void {
    if (this.#isReleasing) return; // a write that fails at once while its receipt is being made
    this.#isReleasing = true;
    let released = 0;
    while (released < this.#queue.length && this.#queue[released]!.pending === 0) this.#acknowledge(this.#queue[released++]!);
    this.#queue = this.#queue.slice(released);
    this.#isReleasing = false;
    if (this.#queue.length === 0 && this.#client.receipts === this) this.#client.receipts = null;
  }

  #acknowledge({ acks, code }: AckReceipt): void {
    const client = this.#client;
    if (client.isClosed) return;
    const { output, dialect } = client;
    if (code !== undefined) return this.#refuse(acks, code);
    for (const ack of acks) {
      const reason = (ack >>> 16) & 0xff;
      const isShort = reason === Reason.SUCCESS || dialect !== DIALECT_5;
      const at = output.claim(isShort ? ACK_BYTES : ACK_REASON_BYTES_MAX);
      if (isShort) writeAck(output.buffer, at, ack >>> 24, ack & 0xffff);
      else writeAckReason(output.buffer, at, dialect, ack >>> 24, ack & 0xffff, reason);
    }
  }

  #refuse(acks: readonly number[], code: StoreErrorCode): void {
    const { output, dialect } = this.#client;
    const reason = code === 'SLUICE_STORAGE_FULL' ? Reason.QUOTA_EXCEEDED : Reason.UNSPECIFIED_ERROR;
    for (const ack of acks) if (ack >>> 24 === PacketType.PUBREC) this.#host.forgetInbound(ack & 0xffff);
    // PUBREL and PUBCOMP cannot say no.
    const canTell =
      dialect === DIALECT_5 && acks.every((ack) => ack >>> 24 === PacketType.PUBACK || ack >>> 24 === PacketType.PUBREC);
    if (!canTell) return this.#host.unwritten();
    for (const ack of acks) {
      const at = output.claim(ACK_REASON_BYTES_MAX);
      writeAckReason(output.buffer, at, dialect, ack >>> 24, ack & 0xffff, reason);
    }
  }
}

export function packAck(type: number, packetId: number, reason: number): number {
  return (type << 24) | (reason << 16) | packetId;
}
