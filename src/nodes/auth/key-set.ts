/**
 * Keys of tokens: a JSON Web Key Set from a file or a URL. A token that names a key which is not in it has it read again, at most every KEY_SET_COOLDOWN_MS, so a
 * new key is known when it is first used and made-up names cause no flood.
 */
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { SluiceError } from '../../base/errors.ts';
import { KEY_SET_COOLDOWN_MS } from '../../base/limits.ts';

/** Throws when it is a file that cannot be read. */
export function keySet(
  source: string,
  cacheMs: number,
  timeoutMs: number,
  now: () => number = () => performance.now(),
): JWTVerifyGetKey {
  if (!/^https?:\/\//.test(source)) return keySetOfFile(source, now);
  return createRemoteJWKSet(new URL(source), {
    cacheMaxAge: cacheMs,
    cooldownDuration: Math.min(KEY_SET_COOLDOWN_MS, cacheMs),
    timeoutDuration: timeoutMs,
  });
}

function keySetOfFile(file: string, now: () => number): JWTVerifyGetKey {
  let keys = readKeySet(file);
  let readAt = now();
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || now() - readAt < KEY_SET_COOLDOWN_MS) throw error;
      readAt = now();
      keys = readKeySet(file);
      return keys(header, token);
    }
  };
}

function readKeySet(file: string): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(file, 'utf8')) as JSONWebKeySet);
  } catch (error) {
    throw new SluiceError('SLUICE_AUTH_JWT_KEY', `backend.jwt.jwks = ${JSON.stringify(file)} is no key set that can be read`, {
      cause: error,
    });
  }
}
