/** What main asks of the listeners of a reactor. The well-known actor `listeners` takes these and passes them to the listener that is meant. */
import type { SessionBounds } from '../session/limits.ts';
import type { ChangedListener, ListenerStart, TlsSettings } from './settings.ts';

export type ListenersMessage =
  /** Ask, answered with `ListenerReply` when the socket listens. A listener that is known by its name listens again. */
  | { readonly type: 'listen'; readonly start: ListenerStart }
  /** Ask, answered with `ListenerReply`: accept no more. `disconnect`: and tell those who are there to leave (0x98). */
  | { readonly type: 'unlisten'; readonly name: string; readonly disconnect: boolean }
  /** Ask, answered with `ListenerReply`: use these certificates from the next handshake on. */
  | { readonly type: 'renew'; readonly name: string; readonly tls: TlsSettings }
  /** Ask, answered with `ListenerReply`: other limits and rates for the listener. */
  | { readonly type: 'limit'; readonly name: string; readonly to: ChangedListener };

/** Ask of `listeners` itself, answered with `ListenerReply`: other bounds for sessions that have come by no listener yet. */
export interface BoundsMessage {
  readonly type: 'bounds';
  readonly bounds: SessionBounds;
}

export interface ListenerReply {
  readonly ok: boolean;
  /** What the system said; '' when `ok`. */
  readonly error: string;
}
