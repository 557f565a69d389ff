/** What the links of a thread share, and whom they tell. */
import type { SluiceError } from '../base/errors.ts';
import type { RemoteNodes } from '../runtime/remote-nodes.ts';
import type { Identity } from './handshake.ts';
import type { Peer } from './peer.ts';
import type { SegmentPool } from './segment-pool.ts';
import type { Transport } from './transport.ts';

export interface WireParts {
  readonly thread: number;
  readonly identity: Identity;
  readonly transport: Transport;
  readonly remote: RemoteNodes;
  readonly pool: SegmentPool;
  readonly slots: Float64Array;
  now(): number;
  random(): number;
  /** Numbers the attempts of this thread, also across its incarnations. */
  nextEpoch(): number;
  requestTurn(): void;
  /** The peer has something to send at the end of the turn. */
  markDirty(peer: Peer): void;
  /** Runs `then` in a turn, soon. */
  nextTurn(then: () => void): void;
  /** One-shot: called when the ring to a thread has room again. */
  whenThreadWritable(thread: number, then: () => void): void;
  onPeerUp(node: number): void;
  /** `wasUp`: a link that stood is lost; otherwise an attempt has failed. */
  onPeerDown(node: number, wasUp: boolean, error: SluiceError): void;
  /** A node has dialled us and proven itself. */
  onDialledBy(node: number, address: string): void;
  /** A connection from outside was closed because of what came over it. */
  onRefused(remoteAddress: string, node: number | undefined, error: SluiceError): void;
}
