/**
 * Records about joint units between the routers of two reactors, little endian. Runs of a unit come as `awaitedRun`: unit u32 · run (router/run-codec.ts), or as
 * `awaitedSharedRun`: unit u32 · shared run (share/messages.ts).
 *
 *   durable   sender u32 · has persistent sessions u32
 *   part      sender u32 · unit u32 · runs that are done u32 · frames u32 · frame *
 *             frame: messages u32 · recipients u32 · bytes u32 · 0 u32 · body of a fan-out frame …
 *   passedOn  unit u32 · to u32: that reactor has a part in the unit as well, which the one that says so has sent it
 *   written   sender u32 · status u32 (0, or n + 1 for the n-th of STORE_ERRORS) · bases u32 · unit u32 · base offset f64 *        the oldest frame of that unit that is not answered
 */
import { STORE_ERRORS, type StoreErrorCode } from '../store/messages.ts';
import type { FanOut } from './fan-outs.ts';

export const DURABLE_BYTES = 8;
export const PART_BYTES = 16;
export const PART_FRAME_BYTES = 16;
export const WRITTEN_BYTES = 16;
export const PASSED_ON_BYTES = 8;

export function encodeDurable(sender: number, isDurable: boolean): Uint8Array {
  const record = new Uint8Array(DURABLE_BYTES);
  const view = new DataView(record.buffer);
  view.setUint32(0, sender, true);
  view.setUint32(4, isDurable ? 1 : 0, true);
  return record;
}

export function encodePart(sender: number, unit: number, runs: number, frames: readonly FanOut[]): Uint8Array {
  const record = new Uint8Array(frames.reduce((bytes, { end }) => bytes + PART_FRAME_BYTES + end, PART_BYTES));
  const view = new DataView(record.buffer);
  view.setUint32(0, sender, true);
  view.setUint32(4, unit, true);
  view.setUint32(8, runs, true);
  view.setUint32(12, frames.length, true);
  let at = PART_BYTES;
  for (const { messages, recipients, bytes, end } of frames) {
    view.setUint32(at, messages, true);
    view.setUint32(at + 4, recipients.length, true);
    view.setUint32(at + 8, end, true);
    record.set(bytes.subarray(0, end), at + PART_FRAME_BYTES);
    at += PART_FRAME_BYTES + end;
  }
  return record;
}

export function encodePassedOn(unit: number, to: number): Uint8Array {
  const record = new Uint8Array(PASSED_ON_BYTES);
  const view = new DataView(record.buffer);
  view.setUint32(0, unit, true);
  view.setUint32(4, to, true);
  return record;
}

export function encodeWritten(
  sender: number,
  unit: number,
  code: StoreErrorCode | undefined,
  bases: readonly number[],
): Uint8Array {
  const record = new Uint8Array(WRITTEN_BYTES + bases.length * 8);
  const view = new DataView(record.buffer);
  view.setUint32(0, sender, true);
  view.setUint32(4, code === undefined ? 0 : 1 + STORE_ERRORS.indexOf(code), true);
  view.setUint32(8, bases.length, true);
  view.setUint32(12, unit, true);
  for (const [i, base] of bases.entries()) view.setFloat64(WRITTEN_BYTES + i * 8, base, true);
  return record;
}
