/** The file of `psk_file`: `identity:key` lines, keys in hexadecimal, as mosquitto has them. Empty lines and lines that begin with `#` are skipped. */
import { readFileSync } from 'node:fs';
import { SHARED_KEYS_MAX } from '../../base/limits.ts';

/** OpenSSL's bounds. */
const IDENTITY_BYTES_MAX = 128;
const KEY_BYTES_MAX = 256;

export type SharedKeys = readonly (readonly [identity: string, key: string])[];

/** The keys, or in words what is wrong; without a word of what a line holds, which is secret. */
export function parseSharedKeys(text: string): SharedKeys | string {
  const keys = new Map<string, string>();
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.lastIndexOf(':');
    const [identity, key] = [line.slice(0, Math.max(colon, 0)), line.slice(colon + 1)];
    if (identity === '' || Buffer.byteLength(identity) > IDENTITY_BYTES_MAX) return `line ${i + 1} is not \`identity:key\``;
    if (!/^([0-9a-fA-F]{2})+$/.test(key) || key.length > 2 * KEY_BYTES_MAX)
      return `line ${i + 1} has no key of whole bytes in hexadecimal, at most ${KEY_BYTES_MAX}`;
    if (keys.has(identity)) return `line ${i + 1} has an identity for the second time`;
    if (keys.size >= SHARED_KEYS_MAX) return `there are more than ${SHARED_KEYS_MAX} identities`;
    keys.set(identity, key);
  }
  return [...keys];
}

export function readSharedKeys(file: string): SharedKeys | string {
  try {
    return parseSharedKeys(readFileSync(file, 'utf8'));
  } catch (error) {
    return `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`;
  }
}
