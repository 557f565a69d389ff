/**
 * The link `jwt`: a token that one of our keys has signed says who the client is, until when, and, if it likes, what it may do.
 *
 * What is no token at all is passed on; what is one and does not hold is denied. A key set that cannot be had is a failure.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Rule } from '../../../actors/access/messages.ts';
import { SluiceError } from '../../../base/errors.ts';
import { USER_GROUPS_MAX } from '../../../base/limits.ts';
import { readRules } from '../../access/rule-schema.ts';
import type { Config } from '../../config/schema.ts';
import { BackEndError } from '../../security/failure-log.ts';
import { keySet } from '../key-set.ts';
import { type AuthLink, type Credentials, DENY, type Decision, type Grant, IGNORE } from '../link.ts';

type Settings = Config['backend']['jwt'];

const SHARED = ['HS256', 'HS384', 'HS512'];
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;
/** Failures that are about the token, and not about how its key is got. */
const BAD_TOKEN = [
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

export class JwtLink implements AuthLink {
  readonly name = 'jwt';
  readonly #settings: Settings;
  readonly #algorithms: string[];
  readonly #key: KeyObject | Uint8Array | undefined;
  readonly #keys: JWTVerifyGetKey | undefined;

  /** Throws when a key cannot be read. */
  constructor(settings: Settings, timeoutMs: number) {
    this.#settings = settings;
    const { secret, public_key_file: file, jwks } = settings;
    const given = [secret, file, jwks].filter((each) => each !== '').length;
    if (given !== 1) throw badKey('give one of backend.jwt.secret, backend.jwt.public_key_file and backend.jwt.jwks');
    this.#key = secret !== '' ? secretBytes(secret) : file !== '' ? readPublicKey(file) : undefined;
    this.#keys = jwks === '' ? undefined : keySet(jwks, settings.jwks_refresh_s * 1000, timeoutMs);
    // A public key must never be taken for the shared secret of HS256.
    const fitting = secret === '' ? ASYMMETRIC : SHARED;
    this.#algorithms = fitting.filter(
      (each) => settings.algorithms.length === 0 || settings.algorithms.some((own) => own === each),
    );
    if (this.#algorithms.length === 0) throw badKey('none of backend.jwt.algorithms fits the key');
  }

  async authenticate({ clientId, username, password }: Credentials): Promise<Decision> {
    const token = this.#settings.from === 'username' ? username : password && Buffer.from(password).toString('latin1');
    if (token === undefined || !TOKEN.test(token)) return IGNORE;
    let payload: JWTPayload;
    try {
      const options = { algorithms: this.#algorithms, clockTolerance: this.#settings.leeway_s };
      payload = (
        this.#keys === undefined ? await jwtVerify(token, this.#key!, options) : await jwtVerify(token, this.#keys, options)
      ).payload;
    } catch (error) {
      if (BAD_TOKEN.some((kind) => error instanceof kind)) return DENY;
      throw new BackEndError('its key set cannot be had');
    }
    const user = this.#settings.from === 'username' ? '' : (username ?? '');
    return this.#claimsHold(payload, clientId, user) ? this.#grant(payload) : DENY;
  }

  #claimsHold(payload: JWTPayload, clientId: string, username: string): boolean {
    return this.#settings.claims.every((text) => {
      const equals = text.indexOf('=');
      const wanted = text.slice(equals + 1).replaceAll(/%c|%u/g, (name) => (name === '%c' ? clientId : username));
      const claim = payload[text.slice(0, equals)];
      const values = Array.isArray(claim) ? claim : [claim];
      return values.some((value) => (typeof value === 'string' || typeof value === 'number') && String(value) === wanted);
    });
  }

  #grant(payload: JWTPayload): Decision {
    const { username_claim: nameClaim, groups_claim: groupsClaim, acl_claim: aclClaim } = this.#settings;
    const name = nameClaim === '' ? undefined : payload[nameClaim];
    if (nameClaim !== '' && (typeof name !== 'string' || name === '')) return DENY;
    const groups = payload[groupsClaim];
    const rules = aclClaim === '' || payload[aclClaim] === undefined ? undefined : claimedRules(payload[aclClaim]);
    if (rules === null) return DENY;
    const grant: Grant = {
      ...(typeof name === 'string' ? { username: name } : {}),
      ...(isGroups(groups) ? { groups } : {}),
      ...(rules === undefined ? {} : { rules }),
      ...(payload.exp === undefined ? {} : { expiresAt: payload.exp * 1000 }),
    };
    return { verdict: 'allow', grant };
  }
}

function isGroups(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= USER_GROUPS_MAX && value.every((each) => typeof each === 'string');
}

/** Null when the claim says something that is not understood: whoever signed it meant something by it. */
function claimedRules(claim: unknown): readonly Rule[] | null {
  const isShort = typeof claim === 'object' && claim !== null && !Array.isArray(claim);
  const rules = readRules(isShort ? shortRules(claim as Record<string, unknown>) : claim);
  return typeof rules === 'string' ? null : rules;
}

/** `{"pub": [topics], "sub": [topics], "all": [topics]}`: what is allowed, and nothing else is. */
function shortRules(claim: Record<string, unknown>): unknown[] {
  const actions = { pub: 'publish', sub: 'subscribe', all: 'all' } as const;
  const allowed = Object.entries(claim).flatMap(([name, topics]) => {
    const isEmpty = Array.isArray(topics) && topics.length === 0;
    return isEmpty ? [] : [{ permission: 'allow', action: actions[name as keyof typeof actions], topics }];
  });
  return [...allowed, { permission: 'deny', action: 'all' }];
}

function badKey(what: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_AUTH_JWT_KEY', what, { cause });
}

function secretBytes(text: string): Uint8Array {
  return text.startsWith('base64:') ? Buffer.from(text.slice('base64:'.length), 'base64') : Buffer.from(text);
}

function readPublicKey(file: string): KeyObject {
  try {
    return createPublicKey(readFileSync(file));
  } catch (error) {
    throw badKey(`backend.jwt.public_key_file = ${JSON.stringify(file)} holds no public key that can be read`, error);
  }
}
