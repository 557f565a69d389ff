/**
 * Memory that outgoing frames are written into. A segment is in use as long as frames are added to it or a transport still
 * reads it; then it returns to the pool of its thread. Bounded by WIRE_SEGMENTS_KEPT; what is more is left to the collector.
 */
import { assert } from '../base/assert.ts';
import { WIRE_SEGMENT_BYTES, WIRE_SEGMENTS_KEPT } from '../base/limits.ts';

export interface Segment {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Frames in it that are not sent yet, and one for the outbox that still adds to it. */
  uses: number;
}

export class SegmentPool {
  readonly #free: Segment[] = [];

  get free(): number {
    return this.#free.length;
  }

  /** One use, the caller's. At least `bytes`: more than WIRE_SEGMENT_BYTES makes a segment for this once. */
  take(bytes: number): Segment {
    const kept = bytes <= WIRE_SEGMENT_BYTES ? this.#free.pop() : undefined;
    if (kept !== undefined) {
      kept.uses = 1;
      return kept;
    }
    const memory = Buffer.allocUnsafeSlow(Math.max(bytes, WIRE_SEGMENT_BYTES));
    return { bytes: memory, view: new DataView(memory.buffer), uses: 1 };
  }

  release(segment: Segment): void {
    assert(segment.uses > 0, 'a segment is released once per use');
    segment.uses--;
    if (segment.uses > 0 || segment.bytes.length !== WIRE_SEGMENT_BYTES) return;
    if (this.#free.length < WIRE_SEGMENTS_KEPT) this.#free.push(segment);
  }
}
