/** What the server itself publishes: main tells the announcer of a reactor, which publishes it as a client there would. */

export interface Announcement {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
}

/** Told. */
export interface Announce {
  readonly type: 'announce';
  readonly messages: readonly Announcement[];
}
