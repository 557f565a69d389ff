/** What a bridge is to do. Plain data: it crosses into the thread of the bridges. */
import type { BridgeTopic } from './topic-map.ts';

export interface BridgeSpec {
  readonly name: string;
  /** Tried in turn. */
  readonly urls: readonly string[];
  readonly protocol: 4 | 5;
  /** On the other side. */
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly keepAliveSeconds: number;
  /** PEM, for `mqtts` and `wss`. */
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly verify: boolean;
  };
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  /** `$SYS/broker/connection/NAME/state` tells of it. */
  readonly notifies: boolean;
  readonly topics: readonly BridgeTopic[];
}
