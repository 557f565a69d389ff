/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding: the client proves that it knows the password and the server that it has known it; neither shows it,
 * and what the server stores is of no use to anybody else.
 *
 *   client  n,,n=anna,r=NONCE                       in CONNECT (or as the answer to an empty challenge)
 *   server  r=NONCE+OURS,s=SALT,i=ITERATIONS        challenge
 *   client  c=biws,r=NONCE+OURS,p=PROOF
 *   server  v=SIGNATURE                             goes with the success
 *
 * A user who does not exist gets a salt as well, the same each time, and fails with the proof: nobody finds out who exists.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { AuthExchange, AuthStep, EnhancedAuthenticator } from './enhanced.ts';

export interface ScramCredential {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Calls `then` with the credential, undefined for an unknown user. */
export type ScramLookup = (username: string, then: (credential: ScramCredential | undefined) => void) => void;

export interface ScramOptions {
  readonly lookup: ScramLookup;
  /** Printable, without commas, never the same twice. */
  readonly nonce: () => string;
  /** Hides who exists; should be the same on all reactors and after a restart. */
  readonly secret: Uint8Array;
}

/** Longest message that is looked at. */
const MESSAGE_BYTES_MAX = 4096;
const DECOY_ITERATIONS = 4096;

export class ScramSha256 implements EnhancedAuthenticator {
  readonly method = 'SCRAM-SHA-256';
  readonly #options: ScramOptions;

  constructor(options: ScramOptions) {
    this.#options = options;
  }

  start(): AuthExchange {
    return new Exchange(this.#options);
  }
}

const FAILURE: AuthStep = { kind: 'failure', reason: Reason.NOT_AUTHORIZED };
const BROKEN: AuthStep = { kind: 'failure', reason: Reason.PROTOCOL_ERROR };

interface First {
  readonly bare: string;
  readonly gs2: string;
  readonly server: string;
  readonly nonce: string;
  readonly username: string;
}

class Exchange implements AuthExchange {
  readonly #options: ScramOptions;
  /** What was said first by both sides; null until then. */
  #first: First | null = null;
  #credential: ScramCredential | undefined;

  constructor(options: ScramOptions) {
    this.#options = options;
  }

  continue(data: Uint8Array | undefined, then: (step: AuthStep) => void): void {
    if (this.#first === null && (data === undefined || data.length === 0)) {
      return then({ kind: 'challenge', data: new Uint8Array(0) });
    }
    if (data === undefined || data.length > MESSAGE_BYTES_MAX) return then(BROKEN);
    const message = Buffer.from(data).toString('utf8');
    if (this.#first === null) this.#clientFirst(message, then);
    else then(this.#clientFinal(message, this.#first));
  }

  #clientFirst(message: string, then: (step: AuthStep) => void): void {
    const parts = /^([ny],(?:a=[^,]*)?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(message);
    const username = parts === null ? undefined : unescaped(parts[3]!);
    if (parts === null || username === undefined) return then(BROKEN);
    this.#options.lookup(username, (credential) => {
      const { salt, iterations } = credential ?? this.#decoy(username);
      const nonce = parts[4]! + this.#options.nonce();
      const server = `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
      this.#credential = credential;
      this.#first = { bare: parts[2]!, gs2: parts[1]!, server, nonce, username };
      then({ kind: 'challenge', data: Buffer.from(server) });
    });
  }

  #clientFinal(message: string, first: First): AuthStep {
    const parts = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,[^,]+)*),p=([A-Za-z0-9+/]+=*)$/s.exec(message);
    if (parts === null) return BROKEN;
    const proof = Buffer.from(parts[4]!, 'base64');
    const isOurs = parts[3] === first.nonce && Buffer.from(parts[2]!, 'base64').toString('utf8') === first.gs2;
    const credential = this.#credential;
    if (!isOurs || credential === undefined || proof.length !== 32) return FAILURE;
    const said = `${first.bare},${first.server},${parts[1]}`;
    const signature = hmac(credential.storedKey, said);
    const clientKey = proof.map((byte, i) => byte ^ signature[i]!);
    if (!timingSafeEqual(createHash('sha256').update(clientKey).digest(), credential.storedKey)) return FAILURE;
    const verifier = hmac(credential.serverKey, said).toString('base64');
    return { kind: 'success', username: first.username, data: Buffer.from(`v=${verifier}`) };
  }

  #decoy(username: string): Pick<ScramCredential, 'salt' | 'iterations'> {
    return { salt: hmac(this.#options.secret, username).subarray(0, 16), iterations: DECOY_ITERATIONS };
  }
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** `=2C` and `=3D` stand for comma and equals sign; another `=` is a fault. */
function unescaped(name: string): string | undefined {
  const plain = name.replaceAll('=2C', ',').replaceAll('=3D', '\0');
  return plain.includes('=') ? undefined : plain.replaceAll('\0', '=');
}

const STORED = /^SCRAM-SHA-256\$(\d{1,7}):([A-Za-z0-9+/]+=*)\$([A-Za-z0-9+/]+=*):([A-Za-z0-9+/]+=*)$/;

/** Reads `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, base64, which is PostgreSQL's form; undefined when it is not that. */
export function parseScramCredential(text: string): ScramCredential | undefined {
  const parts = STORED.exec(text);
  if (parts === null) return undefined;
  const [salt, storedKey, serverKey] = parts.slice(2).map((part) => Buffer.from(part, 'base64'));
  const iterations = Number(parts[1]);
  if (iterations < 1 || storedKey!.length !== 32 || serverKey!.length !== 32) return undefined;
  return { salt: salt!, iterations, storedKey: storedKey!, serverKey: serverKey! };
}
