/**
 * Proofs that a side knows the cluster's secret: HMAC-SHA256 over its role and all that both sides have said so far, each
 * side's fresh nonce among it. A recording of one handshake is therefore of no use in another one, and neither side's proof
 * can be given back to it as the other's.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const NONCE_BYTES = 32;
const NOTHING = Buffer.alloc(0);

/** Empty without a secret. */
export function prove(secret: string, role: 'dialler' | 'acceptor', parts: readonly Uint8Array[]): Buffer {
  if (secret === '') return NOTHING;
  const hmac = createHmac('sha256', secret).update(`sluice wire ${role}`);
  for (const part of parts) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(part.length);
    hmac.update(length).update(part);
  }
  return hmac.digest();
}

export function isProof(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}
