/**
 * What a log remembers of its shards beside their records: that they begin, are trimmed and dropped, and marks, which are small facts (a kind and a number)
 * that a shard's owner sets and takes back. The body of a control frame is a row of operations, 16 bytes each:
 *
 *   op u8 · kind u8 · 0 u16 · shard u32 · value u64
 */
import { getU64, setU64 } from './frame.ts';

export const CONTROL_BYTES = 16;

export const CONTROL = {
  /** value: the offset at which the shard begins. */
  create: 1,
  /** value: the new start. */
  trim: 2,
  drop: 3,
  mark: 4,
  unmark: 5,
} as const;

export interface ControlOp {
  op: number;
  kind: number;
  shard: number;
  value: number;
}

/** Operations of the next commit; grows as needed, reused after. What has been staged stays until the commit has succeeded. */
export class ControlQueue {
  #bytes: Uint8Array = new Uint8Array(64 * CONTROL_BYTES);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Bytes that are staged already. */
  staged = 0;
  /** A shard begins or ends among what is not staged: records must not overtake that. */
  isPressing = false;

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Bytes in use. */
  get length(): number {
    return this.#length;
  }

  add(op: number, kind: number, shard: number, value: number): void {
    const at = this.#length;
    if (at + CONTROL_BYTES > this.#bytes.length) this.#grow();
    this.#bytes[at] = op;
    this.#bytes[at + 1] = kind;
    this.#view.setUint16(at + 2, 0, true);
    this.#view.setUint32(at + 4, shard, true);
    setU64(this.#view, at + 8, value);
    this.#length = at + CONTROL_BYTES;
    if (op === CONTROL.create || op === CONTROL.drop) this.isPressing = true;
  }

  clear(): void {
    this.#length = 0;
    this.staged = 0;
    this.isPressing = false;
  }

  /** The commit has failed: all of it is to be staged again. */
  rollBack(): void {
    this.staged = 0;
    this.isPressing = this.#length > 0;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads the operation at `at`; the caller knows that it lies inside the body. */
export function readControl(view: DataView, at: number, into: ControlOp): void {
  into.op = view.getUint8(at);
  into.kind = view.getUint8(at + 1);
  into.shard = view.getUint32(at + 4, true);
  into.value = getU64(view, at + 8);
}
