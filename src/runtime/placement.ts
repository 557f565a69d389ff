/**
 * Which reactor owns a key: rendezvous hashing. Every thread computes the same answer without asking anybody, and when
 * the number of reactors changes from n to n + 1 only one key in n + 1 moves, to the new one.
 */
import { assert } from '../base/assert.ts';
import { mix32 } from '../base/prng.ts';

/** @returns thread number, 1 … reactors. The same key gives the same thread on every machine and in every version. */
export function placeKey(key: string | number, reactors: number): number {
  assert(reactors >= 1, 'a key needs at least one reactor');
  const hash = typeof key === 'number' ? hashNumber(key) : hashString(key);
  let best = 1;
  let bestWeight = -1;
  for (let thread = 1; thread <= reactors; thread++) {
    const weight = mix32(hash ^ mix32(thread * 0x9e3779b9));
    if (weight > bestWeight) {
      bestWeight = weight;
      best = thread;
    }
  }
  return best;
}

/** Which partition of a topic a name goes to is this modulo their number; it never changes. */
export function hashTopicName(name: string): number {
  return hashString(name);
}

/** FNV-1a over the UTF-16 code units. */
function hashString(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return mix32(hash);
}

function hashNumber(key: number): number {
  assert(Number.isSafeInteger(key), 'a numeric key must be a safe integer');
  return mix32((key | 0) ^ mix32(Math.floor(key / 2 ** 32)));
}
