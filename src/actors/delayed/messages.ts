/** The delayed messages of one reactor: what they are on disk, and how main asks about them. They wait on the reactor that took them. */
import { pack, unpack } from 'msgpackr';
import type { Qos } from '../../wire/mqtt/constants.ts';
import { KEYS } from '../metadata/messages.ts';
import type { DelayedMessage } from './machine.ts';

/** A page of them. Answered by a `DelayedPage`. */
export interface ListDelayed {
  readonly type: 'list';
  /** Last id of the page before; absent for the first. */
  readonly after?: string;
  readonly limit: number;
}

/** Answered by true, or false when there is no such message. */
export interface DeleteDelayed {
  readonly type: 'delete';
  readonly id: string;
}

export type DelayedRequest = ListDelayed | DeleteDelayed;

export interface DelayedView {
  readonly id: string;
  readonly topic: string;
  readonly clientId: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly payloadBytes: number;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
}

export interface DelayedPage {
  readonly messages: readonly DelayedView[];
  /** Of the reactor. */
  readonly total: number;
}

interface DelayedRecord {
  readonly version: 1;
  readonly dueAt: number;
  readonly topic: string;
  readonly clientId: string;
  readonly dialect: 0 | 1;
  readonly packet: Uint8Array;
}

export function delayedKey(id: string): string {
  return KEYS.delayed + id;
}

export function encodeDelayed({ dueAt, topic, clientId, dialect, packet }: DelayedMessage): Uint8Array {
  return pack({ version: 1, dueAt, topic, clientId, dialect, packet } satisfies DelayedRecord);
}

/** Undefined: a record that this version cannot read. */
export function decodeDelayed(id: string, value: Uint8Array): DelayedMessage | undefined {
  const record = unpack(value) as DelayedRecord;
  if (record.version !== 1) return undefined;
  const { dueAt, topic, clientId, dialect, packet } = record;
  return { id, dueAt, topic, clientId, dialect, packet: Uint8Array.from(packet), isKept: true };
}
