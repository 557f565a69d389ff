/**
 * What a client asks for when it subscribes with `sluice-from`: which declared topic, from where on, which of its partitions. Read from the user properties of SUBSCRIBE; pure.
 *
 *   sluice-from       earliest | latest | [offset:]N | offset:P=N,P=N… | [timestamp:]INSTANT | timestamp:MILLISECONDS
 *   sluice-topic      name of the declared topic; needed only when the filter does not say which
 *   sluice-partition  P,P…                                                           all, when absent
 */
import { parseInstant } from '../../base/clock.ts';
import type { SubscribePacket, UserProperty } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { Declaration } from '../shard/messages.ts';

export type ReplayFrom =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  /** Of every partition. */
  | { readonly at: 'offset'; readonly offset: number }
  /** Of those; the others begin with what is oldest. */
  | { readonly at: 'offsets'; readonly offsets: ReadonlyMap<number, number> }
  | { readonly at: 'time'; readonly timestampMs: number };

export interface ReplayRequest {
  readonly from: ReplayFrom;
  readonly topic: string | undefined;
  /** Undefined: all. */
  readonly partitions: readonly number[] | undefined;
}

export interface ReplayRefusal {
  /** For SUBACK. */
  readonly reason: number;
  /** In words, with a code. */
  readonly why: string;
}

const NAMES = { from: 'sluice-from', topic: 'sluice-topic', partition: 'sluice-partition' } as const;
const NUMBER = /^\d{1,16}$/;

export function invalid(what: string): ReplayRefusal {
  return { reason: Reason.IMPLEMENTATION_SPECIFIC_ERROR, why: `SLUICE_REPLAY_INVALID: ${what}` };
}

/** Undefined: an ordinary subscription. */
export function readReplayRequest({ userProperties }: SubscribePacket): ReplayRequest | ReplayRefusal | undefined {
  const [from, ...others] = valuesOf(userProperties, NAMES.from);
  const topics = valuesOf(userProperties, NAMES.topic);
  const partitions = valuesOf(userProperties, NAMES.partition);
  if (from === undefined) {
    return topics.length + partitions.length === 0 ? undefined : invalid(`${NAMES.from} says from where on, and is not there`);
  }
  if (others.length > 0 || topics.length > 1 || partitions.length > 1) return invalid('a property is there twice');
  const place = readFrom(from);
  if (place === undefined) {
    return invalid(
      `${NAMES.from} is earliest, latest, an offset, offset:PARTITION=OFFSET,… or an instant, not '${from.slice(0, 64)}'`,
    );
  }
  const chosen = partitions[0] === undefined ? undefined : readPartitions(partitions[0]);
  if (chosen === null) return invalid(`${NAMES.partition} is a list of numbers, not '${partitions[0]!.slice(0, 64)}'`);
  return { from: place, topic: topics[0], partitions: chosen };
}

/** The declared topic that is meant, among all. */
export function chooseTopic(
  declarations: Iterable<Declaration>,
  filter: string,
  topic: string | undefined,
): Declaration | ReplayRefusal {
  const covering: Declaration[] = [];
  for (const declaration of declarations) {
    if (topic === undefined ? filterCovers(declaration.filter, filter) : declaration.name === topic) covering.push(declaration);
  }
  const [found, ...others] = covering;
  if (found === undefined) {
    const why =
      topic === undefined ? `no declared topic has all that '${filter}' matches` : `there is no declared topic '${topic}'`;
    return { reason: Reason.TOPIC_FILTER_INVALID, why: `SLUICE_REPLAY_NO_TOPIC: ${why}` };
  }
  if (others.length > 0) {
    const names = covering.slice(0, 4).map(({ name }) => name);
    return invalid(`several declared topics have what '${filter}' matches (${names.join(', ')}): name one by ${NAMES.topic}`);
  }
  return found;
}

/** The partitions to replay, or why there are none such. */
export function choosePartitions({ name, shards }: Declaration, request: ReplayRequest): readonly number[] | ReplayRefusal {
  const { from, partitions } = request;
  const named = [...(partitions ?? []), ...(from.at === 'offsets' ? from.offsets.keys() : [])];
  const missing = named.find((partition) => partition >= shards.length);
  if (missing !== undefined) return invalid(`'${name}' has ${shards.length} partitions and no partition ${missing}`);
  const chosen = partitions ?? shards.map((_, partition) => partition);
  if (from.at === 'offset' && chosen.length > 1) {
    return invalid(
      `'${name}' has several partitions, each with its own offsets: offset:PARTITION=OFFSET,… or ${NAMES.partition}`,
    );
  }
  return chosen;
}

/** Every topic name that `inner` matches is matched by `outer`; both are well formed and not shared. */
export function filterCovers(outer: string, inner: string): boolean {
  if (inner.startsWith('$') && !outer.startsWith('$')) return false;
  const ours = outer.split('/');
  const theirs = inner.split('/');
  for (let i = 0; i < ours.length; i++) {
    const level = ours[i]!;
    if (level === '#') return true;
    if (i >= theirs.length) return false;
    const other = theirs[i]!;
    if (other === '#' || (level !== '+' && level !== other)) return false;
  }
  return theirs.length === ours.length;
}

function valuesOf(properties: readonly UserProperty[], name: string): string[] {
  return properties.filter((property) => property.name === name).map(({ value }) => value.trim());
}

function readFrom(text: string): ReplayFrom | undefined {
  if (text === 'earliest' || text === 'latest') return { at: text };
  if (NUMBER.test(text)) return offsetFrom(text);
  const instant = parseInstant(text);
  if (instant !== undefined) return { at: 'time', timestampMs: instant };
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const value = text.slice(colon + 1);
  if (kind === 'offset') return value.includes('=') ? offsetsFrom(value) : NUMBER.test(value) ? offsetFrom(value) : undefined;
  if (kind === 'timestamp') return timeFrom(value);
  return undefined;
}

function offsetFrom(text: string): ReplayFrom | undefined {
  const offset = Number(text);
  return Number.isSafeInteger(offset) ? { at: 'offset', offset } : undefined;
}

function timeFrom(text: string): ReplayFrom | undefined {
  const timestampMs = NUMBER.test(text) ? Number(text) : parseInstant(text);
  return timestampMs !== undefined && Number.isSafeInteger(timestampMs) ? { at: 'time', timestampMs } : undefined;
}

function offsetsFrom(text: string): ReplayFrom | undefined {
  const offsets = new Map<number, number>();
  for (const pair of text.split(',')) {
    const [partition, offset, ...rest] = pair.split('=').map((part) => part.trim());
    if (rest.length > 0 || !NUMBER.test(partition!) || offset === undefined || !NUMBER.test(offset)) return undefined;
    if (!Number.isSafeInteger(Number(offset)) || offsets.has(Number(partition))) return undefined;
    offsets.set(Number(partition), Number(offset));
  }
  return { at: 'offsets', offsets };
}

/** Null: not a list of numbers. */
function readPartitions(text: string): number[] | null {
  const parts = text.split(',').map((part) => part.trim());
  return parts.every((part) => NUMBER.test(part)) ? [...new Set(parts.map(Number))].sort((a, b) => a - b) : null;
}
