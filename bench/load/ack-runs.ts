/**
 * Acks in bulk: packet ids that follow each other (65,535 is followed by 1) are one run, and a run is one slice of a prebuilt table,
 * so acknowledging a thousand messages costs one slice and no copy.
 */
import { ACK_BYTES, buildAckTable, PACKET_IDS } from './packets.ts';

const tables = new Map<number, Buffer>();

function tableOf(type: number): Buffer {
  let table = tables.get(type);
  if (table === undefined) tables.set(type, (table = buildAckTable(type)));
  return table;
}

export class AckRuns {
  readonly #table: Buffer;
  readonly #write: (acks: Buffer) => void;
  #first = 0;
  #length = 0;
  #next = 0;

  constructor(type: number, write: (acks: Buffer) => void) {
    this.#table = tableOf(type);
    this.#write = write;
  }

  /** Owes an ack for `packetId` (1 … 65,535). */
  add(packetId: number): void {
    if (packetId === this.#next && this.#length > 0 && this.#length < PACKET_IDS) {
      this.#length += 1;
    } else {
      this.flush();
      this.#first = packetId;
      this.#length = 1;
    }
    this.#next = packetId === PACKET_IDS ? 1 : packetId + 1;
  }

  /** Writes what is owed. */
  flush(): void {
    if (this.#length === 0) return;
    const start = (this.#first - 1) * ACK_BYTES;
    this.#write(this.#table.subarray(start, start + this.#length * ACK_BYTES));
    this.#length = 0;
  }
}
