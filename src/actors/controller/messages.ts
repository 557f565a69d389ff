/**
 * Which nodes there are, as keys of the group `metadata/0`.
 *
 *   n/ID         what a node says of itself, under a lease that it renews: it is there as long as the node is
 *   node/ID      what the controller has made of that: whether it is up, since when, and how often it has come up
 *   controller   who the controller is; the revision of this key is its epoch, and a condition of all that it writes
 */
import { groupId } from '../raft/group-id.ts';

export const NODES_GROUP: number = groupId('metadata', 0);
export const LIVE_PREFIX = 'n/';
export const NODE_PREFIX = 'node/';
export const CONTROLLER_KEY = 'controller';

/** What a node says of itself. */
export interface Registration {
  readonly node: number;
  /** `node.incarnation`, as raft/replica.ts writes it. */
  readonly replica: string;
  readonly roles: readonly string[];
  readonly version: string;
}

export interface NodeRecord {
  readonly node: number;
  readonly state: 'up' | 'down';
  /** Milliseconds since the epoch, by the controller's clock. */
  readonly sinceMs: number;
  /** Counts how often it has come up: what belongs to an earlier time is void. */
  readonly epoch: number;
  /** The revision in which its registration was made. */
  readonly registered: number;
}

export function encodeJson(value: Registration | NodeRecord | { readonly node: number }): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Undefined: not of this version. */
export function decodeNodeRecord(bytes: Uint8Array): NodeRecord | undefined {
  try {
    const { node, state, sinceMs, epoch, registered } = JSON.parse(Buffer.from(bytes).toString()) as Partial<NodeRecord>;
    if (typeof node !== 'number' || typeof sinceMs !== 'number' || typeof epoch !== 'number') return undefined;
    if (typeof registered !== 'number') return undefined;
    return state === 'up' || state === 'down' ? { node, state, sinceMs, epoch, registered } : undefined;
  } catch {
    return undefined;
  }
}

/** The node that has the controller, as CONTROLLER_KEY says; undefined: not of this version. */
export function controllerIn(bytes: Uint8Array): number | undefined {
  try {
    const { node } = JSON.parse(Buffer.from(bytes).toString()) as { readonly node?: unknown };
    return typeof node === 'number' ? node : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined: the key of something else. */
export function nodeOfKey(key: string, prefix: string): number | undefined {
  const digits = key.startsWith(prefix) ? key.slice(prefix.length) : '';
  return /^\d{1,4}$/.test(digits) ? Number(digits) : undefined;
}
