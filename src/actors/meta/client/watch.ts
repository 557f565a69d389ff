/** A watch that goes on: where it ended at one replica it resumes at another, without a gap and without telling anything twice. */
import type { ActorRef } from '../../../runtime/ref.ts';
import type { WatchedStep } from '../codec/answer-codec.ts';
import type { MetaKey } from '../state/record.ts';

export interface WatchListener {
  /** All changes of its keys up to `through`, in order; values are valid during the call. Often there are none. */
  changed(steps: readonly WatchedStep[], through: number): void;
  /** What came next is compacted: read the keys anew, at `revision` or later, and watch from there. The watch has ended. */
  compacted(revision: number): void;
}

export interface WatchRequest {
  readonly group: number;
  readonly from: MetaKey;
  /** Empty: the end. */
  readonly to: MetaKey;
  /** First revision; 0: from now on. */
  readonly since: number;
}

export interface OpenWatch {
  /** Another one at each replica, so what an earlier one still says does not count. */
  id: number;
  readonly request: WatchRequest;
  readonly listener: WatchListener;
  since: number;
  candidate: number;
  service: ActorRef;
  heardMs: number;
  /** Nobody serves it now: asked again then. */
  retryMs: number;
  /** Bytes that the service does not know to have arrived. */
  takenBytes: number;
}

export interface WatchHandle {
  stop(): void;
}
