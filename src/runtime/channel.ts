/**
 * The two ends of a one-way, in-order, bounded pipe of records between two threads. The ring implements it between
 * worker threads (ring-channel.ts), the simulator between simulated ones (sim/channel.ts).
 */
import type { ActorRef } from './ref.ts';

export interface Outlet {
  /** Appends a record that becomes visible with the next `publish`. False: no room, nothing was written. */
  write(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean;
  /** Makes everything written so far visible to the reader and wakes it if it sleeps. */
  publish(): void;
  /** At least half of the room is free. When not, the reader will wake this thread once it is. */
  askWritable(): boolean;
  /** Bytes written and not yet taken by the reader. */
  used(): number;
  close(): void;
}

export interface Inlet {
  /**
   * Takes up to `max` published records in order, and none after the gate has been shut, which a record's receiver may do. The bytes given to the
   * sink are valid during its call only.
   */
  drain(sink: RecordSink, max: number, gate?: Gate): number;
  hasRecords(): boolean;
  used(): number;
  close(): void;
}

export interface Gate {
  readonly isHeld: boolean;
}

export const OPEN_GATE: Gate = { isHeld: false };

export interface RecordSink {
  onRecord(
    type: number,
    kind: number,
    target: ActorRef,
    sender: ActorRef,
    correlation: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
}
