/** What a turn has for other nodes: one frame per replica and lane, whatever groups its messages are of. */
import { RAFT_FRAME_BYTES } from '../../../base/limits.ts';
import { encodeFrame, type PeerMessage } from '../codec/frame-codec.ts';
import { bytesOf } from '../entry.ts';
import type { ReplicaId } from '../replica.ts';
import type { Lane, RaftTransport } from '../transport.ts';

const LANES: Readonly<Record<PeerMessage['type'], Lane>> = {
  requestPreVote: 'urgent',
  requestVote: 'urgent',
  preVoteReply: 'urgent',
  voteReply: 'urgent',
  append: 'append',
  appendReply: 'urgent',
  heartbeat: 'urgent',
  heartbeatReply: 'urgent',
  timeoutNow: 'urgent',
  readIndex: 'urgent',
  readIndexReply: 'urgent',
  snapshotChunk: 'snapshot',
  snapshotReply: 'urgent',
};

/** About, and not less where it matters. */
function sizeOf(message: PeerMessage): number {
  if (message.type === 'append') return bytesOf(message.entries);
  return message.type === 'snapshotChunk' ? message.data.length : 0;
}

interface PeerOutbox {
  readonly to: ReplicaId;
  readonly urgent: PeerMessage[];
  readonly append: PeerMessage[];
  readonly snapshot: PeerMessage[];
}

export class PeerOutboxes {
  readonly #self: ReplicaId;
  readonly #peers = new Map<ReplicaId, PeerOutbox>();

  constructor(self: ReplicaId) {
    this.#self = self;
  }

  add(message: PeerMessage): void {
    let peer = this.#peers.get(message.to);
    if (peer === undefined) {
      peer = { to: message.to, urgent: [], append: [], snapshot: [] };
      this.#peers.set(message.to, peer);
    }
    peer[LANES[message.type]].push(message);
  }

  /** Sends everything, and returns how many frames that were. */
  flush(transport: RaftTransport): number {
    let frames = 0;
    for (const peer of this.#peers.values()) {
      frames +=
        this.#send(peer, 'urgent', transport) + this.#send(peer, 'append', transport) + this.#send(peer, 'snapshot', transport);
    }
    return frames;
  }

  /** More than one where one would be too large. */
  #send(peer: PeerOutbox, lane: Lane, transport: RaftTransport): number {
    const messages = peer[lane];
    if (messages.length === 0) return 0;
    let frames = 0;
    for (let start = 0; start < messages.length; ) {
      let bytes = sizeOf(messages[start]!);
      let end = start + 1;
      while (end < messages.length && (bytes += sizeOf(messages[end]!)) <= RAFT_FRAME_BYTES) end++;
      const part = end - start === messages.length ? messages : messages.slice(start, end);
      transport.send(peer.to, lane, encodeFrame(this.#self, peer.to, part));
      frames++;
      start = end;
    }
    messages.length = 0;
    return frames;
  }

  forget(to: ReplicaId): void {
    this.#peers.delete(to);
  }
}
