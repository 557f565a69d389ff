/** What a topic name and a topic filter may look like (sections 4.7 and 4.8.2). */
import { MQTT_TOPIC_LEVELS_MAX } from '../../base/limits.ts';
import { Reason } from './reason-codes.ts';
import { isMqttUtf8 } from './utf8.ts';

const PLUS = 0x2b;
const HASH = 0x23;
const SLASH = 0x2f;

/** Longest string that MQTT can carry, bytes: a two-byte length precedes it [MQTT-4.7.3-3]. */
const STRING_BYTES_MAX = 65_535;
const SHARE_PREFIX = '$share/';
/** EMQX's older form: `$queue/` and a filter is the group of that name. */
const QUEUE_PREFIX = '$queue/';
const QUEUE_GROUP = '$queue';
/** EMQX's: one client at a time may have the filter behind it. */
const EXCLUSIVE_PREFIX = '$exclusive/';

/** A name that may be published to. See `topicNameFault` for why one is not. */
export function isTopicName(buf: Uint8Array, start: number, end: number, levelsMax?: number): boolean {
  return topicNameFault(buf, start, end, levelsMax) === 0;
}

/**
 * 0 when buf[start, end) is a valid topic name, else the reason code to refuse it with: 0x81 for bytes that are not a valid string
 * [MQTT-3.3.2-1], 0x90 for a wildcard [MQTT-3.3.2-2], an empty name [MQTT-4.7.3-1] or more than `levelsMax` levels.
 * Allocates nothing.
 */
export function topicNameFault(buf: Uint8Array, start: number, end: number, levelsMax: number = MQTT_TOPIC_LEVELS_MAX): number {
  if (start === end) return Reason.TOPIC_NAME_INVALID;
  let bits = 0;
  let levels = 1;
  let wildcard = false;
  for (let i = start; i < end; i++) {
    const byte = buf[i]!;
    bits |= byte;
    if (byte > SLASH) continue;
    if (byte === SLASH) levels++;
    else if (byte === PLUS || byte === HASH) wildcard = true;
    else if (byte === 0) return Reason.MALFORMED_PACKET;
  }
  if (bits >= 0x80 && !isMqttUtf8(buf, start, end)) return Reason.MALFORMED_PACKET;
  return wildcard || levels > levelsMax ? Reason.TOPIC_NAME_INVALID : 0;
}

export interface ParsedFilter {
  /** The filter that topics are matched against: without `$share/<group>/`, `$queue/` or `$exclusive/`. */
  readonly filter: string;
  /** `filter` split at its slashes; empty levels are levels. */
  readonly levels: readonly string[];
  /** Name of the shared subscription's group, when it is one. */
  readonly shareGroup?: string;
  /** Written with `$exclusive/` in front. */
  readonly isExclusive?: true;
}

/**
 * Undefined when the filter breaks a rule: it is empty [MQTT-4.7.3-1], holds U+0000 [MQTT-4.7.3-2] or exceeds 65,535 bytes
 * [MQTT-4.7.3-3]; `#` is not the whole last level [MQTT-4.7.1-1]; `+` is not a whole level [MQTT-4.7.1-2]; a shared subscription
 * has no group, a wildcard in it [MQTT-4.8.2-1] or no filter after it [MQTT-4.8.2-2]; or it has more than MQTT_TOPIC_LEVELS_MAX levels.
 */
export function parseFilter(text: string): ParsedFilter | undefined {
  if (text.includes('\0') || !text.isWellFormed() || Buffer.byteLength(text) > STRING_BYTES_MAX) return undefined;
  if (text.startsWith(QUEUE_PREFIX)) {
    const filter = text.slice(QUEUE_PREFIX.length);
    const levels = splitLevels(filter);
    return levels && { filter, levels, shareGroup: QUEUE_GROUP };
  }
  if (text.startsWith(EXCLUSIVE_PREFIX)) {
    const filter = text.slice(EXCLUSIVE_PREFIX.length);
    const levels = splitLevels(filter);
    return levels && { filter, levels, isExclusive: true };
  }
  if (!text.startsWith(SHARE_PREFIX)) {
    const levels = splitLevels(text);
    return levels && { filter: text, levels };
  }
  const groupEnd = text.indexOf('/', SHARE_PREFIX.length);
  if (groupEnd <= SHARE_PREFIX.length) return undefined;
  const shareGroup = text.slice(SHARE_PREFIX.length, groupEnd);
  if (shareGroup.includes('+') || shareGroup.includes('#')) return undefined;
  const filter = text.slice(groupEnd + 1);
  const levels = splitLevels(filter);
  return levels && { filter, levels, shareGroup };
}

/** As a client writes it. */
export function exclusiveFilter(filter: string): string {
  return EXCLUSIVE_PREFIX + filter;
}

/** Whether a filter asks for a shared subscription, well formed or not. */
export function isSharedFilter(filter: string): boolean {
  return filter.startsWith(SHARE_PREFIX) || filter.startsWith(QUEUE_PREFIX);
}

function splitLevels(filter: string): readonly string[] | undefined {
  if (filter.length === 0) return undefined;
  // One more than allowed is enough to know: a hostile filter must not make 65,535 strings.
  const levels = filter.split('/', MQTT_TOPIC_LEVELS_MAX + 1);
  if (levels.length > MQTT_TOPIC_LEVELS_MAX) return undefined;
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!;
    if (level.length > 1 && (level.includes('+') || level.includes('#'))) return undefined;
    if (level === '#' && i < levels.length - 1) return undefined;
  }
  return levels;
}
