/**
 * Every form in which a password may be stored, and the check of one against it.
 *
 *   $scrypt$ln=…,r=…,p=…$SALT$HASH        ours, PHC format                       $argon2id$v=19$m=…,t=…,p=…$SALT$HASH   PHC format
 *   $6$SALT$HASH                          mosquitto_passwd, SHA-512 with salt    $2a$ $2b$ $2y$                         bcrypt
 *   $7$ITERATIONS$SALT$HASH               mosquitto_passwd, PBKDF2 with SHA-512
 *
 * Databases may have the hash and the salt in columns of their own instead: `digest`, `pbkdf2`, `plain`.
 * All but `plain`, `digest` and `$6$` take milliseconds by intent: check those in the pool.
 */
import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { argon2Verify, bcryptVerify } from 'hash-wasm';
import { parsePasswordHash, verifyPassword } from './password-hash.ts';

export type Digest = 'sha256' | 'sha512';

export type StoredPassword =
  | { readonly kind: 'scrypt' | 'argon2id' | 'bcrypt'; readonly text: string }
  | { readonly kind: 'plain'; readonly text: string }
  | {
      readonly kind: 'digest';
      readonly digest: Digest;
      readonly salt: Uint8Array;
      readonly saltFirst: boolean;
      readonly hash: Uint8Array;
    }
  | {
      readonly kind: 'pbkdf2';
      readonly digest: Digest;
      readonly iterations: number;
      readonly salt: Uint8Array;
      readonly hash: Uint8Array;
    };

/** More would let one row of a table keep a pool thread busy for minutes, or take the node's memory. */
const PBKDF2_ITERATIONS_MAX = 10_000_000;
const ARGON2_KIBIBYTES_MAX = 262_144;
const ARGON2_PASSES_MAX = 64;
const BCRYPT_COST_MAX = 16;
/** bcrypt looks at no more of a password. */
const BCRYPT_BYTES = 72;
const TEXT_CHARS_MAX = 1024;

const BASE64 = '[A-Za-z0-9+/]+={0,2}';
const SALTED_SHA512 = new RegExp(`^\\$6\\$(${BASE64})\\$(${BASE64})$`);
const PBKDF2_SHA512 = new RegExp(`^\\$7\\$(\\d{1,8})\\$(${BASE64})\\$(${BASE64})$`);
const ARGON2ID = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Undefined when the text is no hash of these formats, or asks for more than the node is willing to spend. */
export function parseStoredPassword(text: string): StoredPassword | undefined {
  if (text.length > TEXT_CHARS_MAX) return undefined;
  if (text.startsWith('$scrypt$')) return parsePasswordHash(text) === undefined ? undefined : { kind: 'scrypt', text };
  const argon2 = ARGON2ID.exec(text);
  if (argon2 !== null) {
    const [memory, passes] = [Number(argon2[1]), Number(argon2[2])];
    return memory <= ARGON2_KIBIBYTES_MAX && passes <= ARGON2_PASSES_MAX ? { kind: 'argon2id', text } : undefined;
  }
  const bcrypt = BCRYPT.exec(text);
  // 2y is what PHP calls 2b.
  if (bcrypt !== null)
    return Number(bcrypt[1]) <= BCRYPT_COST_MAX ? { kind: 'bcrypt', text: text.replace(/^\$2y/, '$2b') } : undefined;
  const salted = SALTED_SHA512.exec(text);
  if (salted !== null) {
    const [salt, hash] = [Buffer.from(salted[1]!, 'base64'), Buffer.from(salted[2]!, 'base64')];
    return hash.length === 64 ? { kind: 'digest', digest: 'sha512', salt, saltFirst: false, hash } : undefined;
  }
  const pbkdf2 = PBKDF2_SHA512.exec(text);
  if (pbkdf2 === null) return undefined;
  const [iterations, salt, hash] = [Number(pbkdf2[1]), Buffer.from(pbkdf2[2]!, 'base64'), Buffer.from(pbkdf2[3]!, 'base64')];
  return pbkdf2Password('sha512', iterations, salt, hash);
}

export function pbkdf2Password(
  digest: Digest,
  iterations: number,
  salt: Uint8Array,
  hash: Uint8Array,
): StoredPassword | undefined {
  const isBounded = iterations >= 1 && iterations <= PBKDF2_ITERATIONS_MAX && hash.length >= 16 && hash.length <= 128;
  return isBounded ? { kind: 'pbkdf2', digest, iterations, salt, hash } : undefined;
}

/** Whether a check takes microseconds, so that it needs no pool. */
export function isCheap({ kind }: StoredPassword): boolean {
  return kind === 'plain' || kind === 'digest';
}

/** The check of the cheap forms. */
export function verifyCheap(password: Uint8Array, stored: StoredPassword): boolean {
  switch (stored.kind) {
    case 'plain':
      // Equal lengths for `timingSafeEqual`, and no hint at the length.
      return timingSafeEqual(sha('sha256', password), sha('sha256', Buffer.from(stored.text)));
    case 'digest': {
      const hash = stored.saltFirst ? sha(stored.digest, stored.salt, password) : sha(stored.digest, password, stored.salt);
      return sameBytes(hash, stored.hash);
    }
    default:
      return false;
  }
}

/** Blocks its thread for as long as the form demands. */
export async function verifyStored(password: Uint8Array, stored: StoredPassword): Promise<boolean> {
  switch (stored.kind) {
    case 'scrypt':
      return verifyPassword(password, stored.text);
    case 'argon2id':
      return password.length > 0 && argon2Verify({ password, hash: stored.text });
    case 'bcrypt':
      return password.length > 0 && bcryptVerify({ password: password.subarray(0, BCRYPT_BYTES), hash: stored.text });
    case 'pbkdf2':
      return sameBytes(pbkdf2Sync(password, stored.salt, stored.iterations, stored.hash.length, stored.digest), stored.hash);
    default:
      return verifyCheap(password, stored);
  }
}

function sha(digest: Digest, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash(digest);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
