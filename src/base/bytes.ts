/** Below this a loop beats the view that `TypedArray.set` needs (measured: a view costs as much as copying 60 bytes one by one). */
const LOOP_BYTES_MAX = 48;

/** Copies `from[start, end)` to `to` at `at` and returns the position after it. */
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  if (end - start <= LOOP_BYTES_MAX) {
    for (let i = start, o = at; i < end; i++, o++) to[o] = from[i]!;
  } else {
    to.set(from.subarray(start, end), at);
  }
  return at + end - start;
}

/** `from[start, end)` in memory of its own. Not `slice`, which on a Buffer makes a view. */
export function cloneBytes(from: Uint8Array, start: number, end: number): Uint8Array {
  const clone = new Uint8Array(end - start);
  copyBytes(clone, 0, from, start, end);
  return clone;
}
