/** What replicas of a group say to each other, in the paper's words. `term` is the sender's, but for pre-votes: there it is the term that is asked for. */
import type { Entry } from './entry.ts';
import type { ReplicaId } from './replica.ts';

interface Header {
  readonly group: number;
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly term: number;
}

export interface RequestVote extends Header {
  readonly type: 'requestPreVote' | 'requestVote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader asked for this election: it is no disturbance. */
  readonly isTransfer: boolean;
}

export interface VoteReply extends Header {
  readonly type: 'preVoteReply' | 'voteReply';
  readonly isGranted: boolean;
  /** Of a refusal: an entry that the voter knows to be committed. The candidate may have it and not know: then it may lack a change of who votes. */
  readonly commit: number;
  readonly commitTerm: number;
}

export interface AppendEntries extends Header {
  readonly type: 'append';
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly commit: number;
  readonly entries: readonly Entry[];
}

export interface AppendReply extends Header {
  readonly type: 'appendReply';
  /** The log is durable and the leader's up to here; of a rejection: the `prevIndex` that did not match. */
  readonly index: number;
  readonly isRejected: boolean;
  /** Of a rejection: where the logs may agree, at the latest, and the term there. */
  readonly hintIndex: number;
  readonly hintTerm: number;
  /** Took no more than up to `index`; ask again with the next heartbeat. */
  readonly isFull: boolean;
}

export interface Heartbeat extends Header {
  readonly type: 'heartbeat';
  readonly commit: number;
  /** Read round that a reply confirms. */
  readonly readSeq: number;
  /** The leader's clock; it comes back in the reply. */
  readonly sentMs: number;
}

export interface HeartbeatReply extends Header {
  readonly type: 'heartbeatReply';
  readonly readSeq: number;
  readonly sentMs: number;
}

/** The leader hands over: campaign now. */
export interface TimeoutNow extends Header {
  readonly type: 'timeoutNow';
}

/** A follower asks the leader for an index to read at. */
export interface ReadIndex extends Header {
  readonly type: 'readIndex';
  readonly id: number;
}

export interface ReadIndexReply extends Header {
  readonly type: 'readIndexReply';
  readonly id: number;
  /** -1: refused. */
  readonly index: number;
}

export type RaftMessage =
  | RequestVote
  | VoteReply
  | AppendEntries
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | TimeoutNow
  | ReadIndex
  | ReadIndexReply;
