/** A publisher of the durable load, whatever protocol it speaks: keeps a window of unacknowledged messages full and counts acknowledgements. */
import type { Histogram } from '../../../src/base/histogram.ts';
import type { Endpoint } from '../connection.ts';
import type { StampSpan } from '../stamp-span.ts';

export interface AckPublisher {
  /** Messages sent, and acknowledged. */
  readonly sent: number;
  readonly acked: number;
  start(): void;
  /** Sends nothing more; acknowledgements still come. */
  stop(): void;
}

export interface AckPublisherOptions {
  readonly endpoint: Endpoint;
  readonly index: number;
  readonly publishers: number;
  readonly payloadBytes: number;
  readonly window: number;
  /** Milliseconds, steady. */
  readonly now: () => number;
  readonly span: StampSpan;
  /** Takes the time from sending to acknowledgement of one message in so many, microseconds. */
  readonly ackLatency: Histogram;
  readonly fail: (error: Error) => void;
}
