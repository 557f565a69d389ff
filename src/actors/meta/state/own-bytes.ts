/**
 * Values live longer than the entry that brought them: they get memory of their own, small ones out of shared blocks, as an array for each would cost more than what is
 * in it.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  const own = Buffer.allocUnsafe(bytes.length);
  own.set(bytes);
  return own;
}
