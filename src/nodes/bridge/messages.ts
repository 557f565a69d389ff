/** What main and the thread of the bridges tell each other. */
import type { MessagePort } from 'node:worker_threads';
import type { BridgeView } from './bridge.ts';
import type { BridgeSpec } from './bridge-spec.ts';

/** `workerData` of the thread. */
export interface BridgeBirth {
  /** Those that it begins with. */
  readonly specs: readonly BridgeSpec[];
  /** What this node is called in the way of a message. */
  readonly self: string;
  readonly logLevel: string;
  readonly node: number;
}

export type ToBridges =
  /** The answer to `dial`; null: not at present. */
  | { readonly type: 'port'; readonly name: string; readonly port: MessagePort | null }
  /** These bridges replace all: those that are as they were go on. */
  | { readonly type: 'specs'; readonly specs: readonly BridgeSpec[] }
  | { readonly type: 'stop' };

export type FromBridges =
  /** A bridge wants a connection to its session. */
  { readonly type: 'dial'; readonly name: string } | { readonly type: 'views'; readonly views: readonly BridgeView[] };

/** Kind of guest, towards reactors. */
export const BRIDGE_GUEST = 'bridge';
