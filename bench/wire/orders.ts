/** What the bench of the wire and its processes say to each other, and what is measured. */

export type WireMode = 'flood' | 'ask';

export interface WireOptions {
  /** `tcp` and `quic` are ours, `grpc` is the peer. */
  readonly transport: 'tcp' | 'quic' | 'grpc';
  /** `flood`: messages in one direction. `ask`: a request and its answer. */
  readonly mode: WireMode;
  readonly messages: number;
  /** Payload of each, bytes. */
  readonly bytes: number;
  /** Messages sent in one turn of the event loop (`flood`), requests under way (`ask`). */
  readonly batch: number;
  /** Thread of the receiving node whose actor is sent to; 1 is the one that accepts. */
  readonly targetThread: number;
}

export interface WireRun {
  readonly messages: number;
  readonly seconds: number;
  /** Microseconds, of single messages with nothing else under way: there and back. */
  readonly roundTripsUs: readonly number[];
}

/** Main's order to a process. */
export type Order =
  | { readonly type: 'start'; readonly role: 'sender' | 'receiver'; readonly options: WireOptions; readonly peerPort: number }
  | { readonly type: 'run'; readonly messages: number; readonly roundTrips: number }
  | { readonly type: 'stop' };

export type Report =
  | { readonly type: 'started'; readonly port: number }
  | { readonly type: 'done'; readonly run: WireRun; readonly cpuMicros: number }
  | { readonly type: 'failed'; readonly message: string };
