import type { ShareSettings } from '../share/strategy.ts';
import type { Offer } from './offer.ts';
import type { RateLimits } from './rates.ts';

/** Bounds that clients are told nothing of. When an operator changes them they hold at once, also for sessions that are there. */
export interface SessionBounds {
  /** From the connection to a whole CONNECT, milliseconds. */
  readonly connectTimeoutMs: number;
  readonly subscriptionsMax: number;
  /** Messages that wait in a session for its client; what does not fit is dropped, and a connected client that does not read is disconnected. */
  readonly queueMessagesMax: number;
  readonly queueBytesMax: number;
  /** What a session that is full drops: the message that comes, or its oldest ones. The latter only where the session is kept on disk. */
  readonly queueOverflow: 'refuse' | 'drop_oldest';
  /** Levels of a topic name or filter. */
  readonly topicLevelsMax: number;
  /** Unsent bytes of a connection above which QoS 0 messages to it are dropped. Publishers are held back from a quarter of it on. */
  readonly outputBytesMax: number;
}

/** Bounds of sessions and other choices about them that an operator makes; see the configuration reference. What is not in `SessionBounds` is settled with a client at CONNECT. */
export interface SessionLimits extends SessionBounds {
  /** How fast clients may be; absent: as fast as they like. */
  readonly rate?: RateLimits;
  /** Largest packet from a client, bytes. */
  readonly packetBytesMax: number;
  /** QoS 1 and 2 messages in flight to a client, and, as receive maximum, QoS 2 messages from it. */
  readonly inFlightMax: number;
  /** Longest keep-alive, seconds; 5.0 clients that ask for more, or for none, get this; older ones could not be told. 0: no cap. */
  readonly keepAliveSecondsMax: number;
  /** Longest time that a session outlives its connection, seconds; SESSION_EXPIRY_NEVER caps nothing. */
  readonly sessionExpirySecondsMax: number;
  readonly sharing: ShareSettings;
  readonly offer: Offer;
}

export function boundsOf(limits: SessionBounds): SessionBounds {
  const { connectTimeoutMs, subscriptionsMax, queueMessagesMax, queueBytesMax, queueOverflow, topicLevelsMax, outputBytesMax } =
    limits;
  return { connectTimeoutMs, subscriptionsMax, queueMessagesMax, queueBytesMax, queueOverflow, topicLevelsMax, outputBytesMax };
}

/** In place: sessions that share `limits` have the new bounds from now on. */
export function changeBounds(limits: SessionBounds, bounds: SessionBounds): void {
  Object.assign(limits, boundsOf(bounds));
}
