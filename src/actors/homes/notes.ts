/**
 * What a node has on its own disk about the sessions that are, or were, at home on it, next to their records. MessagePack, with a version in front.
 *
 *   h/CLIENT ID          which life and which epoch of it lies here; while it leaves, how much of it the new home has
 *   l/EPOCH/CLIENT ID    it has left, and something may still come for it here (left.ts)
 */
import { pack, unpack } from 'msgpackr';
import { KEYS } from '../metadata/messages.ts';
import type { SubscriptionState } from '../session/messages.ts';

/** A session that another node has asked for, and that it may have claimed. */
export interface Leaving {
  readonly move: string;
  /** If it has, it has what lies before this offset. */
  readonly end: number;
  /** Nothing but that was left: the fences of all nodes had come. */
  readonly isWhole: boolean;
}

export interface HomeNote {
  readonly life: string;
  readonly epoch: number;
  readonly leaving?: Leaving | undefined;
}

export interface LeftNote {
  readonly clientId: string;
  readonly life: string;
  readonly epoch: number;
  /** Its inbox. */
  readonly shard: number;
  readonly subscriptions: readonly SubscriptionState[];
  /** Nodes whose fences have come. */
  readonly passed: readonly number[];
}

export function encodeHomeNote({ life, epoch, leaving }: HomeNote): Uint8Array {
  return pack({ version: 1, life, epoch, ...(leaving === undefined ? {} : { leaving }) });
}

/** Undefined: none that this version can read. */
export function decodeHomeNote(value: Uint8Array): HomeNote | undefined {
  const note = read(value) as (HomeNote & { readonly version?: number }) | undefined;
  if (note?.version !== 1) return undefined;
  const { life, epoch, leaving } = note;
  return { life, epoch, ...(leaving === undefined ? {} : { leaving }) };
}

export function leftKey({ clientId, epoch }: { readonly clientId: string; readonly epoch: number }): string {
  return `${KEYS.left}${epoch}/${clientId}`;
}

export function encodeLeftNote(note: LeftNote): Uint8Array {
  return pack({ version: 1, ...note });
}

export function decodeLeftNote(value: Uint8Array): LeftNote | undefined {
  const note = read(value) as (LeftNote & { readonly version?: number }) | undefined;
  if (note?.version !== 1) return undefined;
  const { clientId, life, epoch, shard, subscriptions, passed } = note;
  return { clientId, life, epoch, shard, subscriptions, passed };
}

/** An object; undefined: something else, or no MessagePack. */
export function read(value: Uint8Array): unknown {
  try {
    const content: unknown = unpack(value);
    return typeof content === 'object' && content !== null ? content : undefined;
  } catch {
    return undefined;
  }
}
