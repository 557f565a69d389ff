/**
 * Stored passwords: scrypt in the PHC string format, without padding in its base64.
 *
 *   $scrypt$ln=15,r=8,p=1$SALT$HASH          N = 2^ln; memory = 128 · N · r bytes = 32 MiB
 *
 * Both functions here block for some 50 ms: call them in the pool (check-worker.ts) or in a tool, never on main or a reactor.
 */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

export interface PasswordHash {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const LOG_N = 15;
const BLOCK = 8;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Above this a line of the users file could take the node's memory: 128 · 2^18 · 8 = 256 MiB. */
const LOG_N_MAX = 18;

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43,86})$/;

/** Undefined when the text is not a hash of this format or asks for more than the node is willing to spend. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const found = PHC.exec(text);
  if (found === null) return undefined;
  const [, logN, r, p, salt, hash] = found;
  const parsed = {
    logN: Number(logN),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt!, 'base64'),
    hash: Buffer.from(hash!, 'base64'),
  };
  const bounded =
    parsed.logN >= 10 && parsed.logN <= LOG_N_MAX && parsed.r >= 1 && parsed.r <= 8 && parsed.p >= 1 && parsed.p <= 4;
  return bounded ? parsed : undefined;
}

function derive(password: Uint8Array | string, from: Omit<PasswordHash, 'hash'>, bytes: number): Buffer {
  const maxmem = 128 * 2 ** from.logN * from.r * from.p + (1 << 20);
  return scryptSync(password, from.salt, bytes, { N: 2 ** from.logN, r: from.r, p: from.p, maxmem });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}

/** The text that goes behind `user:` in the users file. `logN` is lowered by specs alone. */
export function hashPassword(password: Uint8Array | string, logN: number = LOG_N): string {
  const parameters = { logN, r: BLOCK, p: 1, salt: randomBytes(SALT_BYTES) };
  return format(logN, parameters.salt, derive(password, parameters, HASH_BYTES));
}

/** Costs as much to check as any other, and is the hash of no password that anybody knows. */
export function hashOfNobody(logN: number = LOG_N): string {
  return format(logN, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
}

function format(logN: number, salt: Buffer, hash: Buffer): string {
  return `$scrypt$ln=${logN},r=${BLOCK},p=1$${unpadded(salt)}$${unpadded(hash)}`;
}

export function verifyPassword(password: Uint8Array | string, stored: string): boolean {
  const parsed = parsePasswordHash(stored);
  if (parsed === undefined) return false;
  return timingSafeEqual(derive(password, parsed, parsed.hash.length), parsed.hash);
}
