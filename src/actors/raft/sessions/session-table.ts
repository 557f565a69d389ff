/**
 * Who has asked what already, and what the answer was: part of the replicated state, the same on every replica and in every snapshot. A command that comes again,
 * because its first answer was lost, is answered again and not done again.
 *
 * Sessions end by the log alone: the one used longest ago goes when there are too many, and one that was not used for `ttlMs` of the log's time. Its commands are
 * then refused for good; to do them anew could do them twice.
 */
import { RAFT_SESSION_REPLIES_MAX } from '../../../base/limits.ts';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';

interface Session {
  usedMs: number;
  /** Commands below this are answered. */
  answeredTo: number;
  readonly replies: Map<number, Uint8Array>;
}

export type Known =
  | { readonly state: 'new' }
  | { readonly state: 'done'; readonly reply: Uint8Array }
  /** No such session any more: nobody can tell whether the command was done. */
  | { readonly state: 'expired' };

const NEW: Known = { state: 'new' };
const EXPIRED: Known = { state: 'expired' };

export class SessionTable {
  readonly #max: number;
  readonly #ttlMs: number;
  /** The one used longest ago first. */
  #sessions = new Map<number, Session>();
  #nextId = 1;

  constructor(max: number, ttlMs: number) {
    this.#max = max;
    this.#ttlMs = ttlMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  open(timeMs: number): number {
    const id = this.#nextId++;
    this.#sessions.set(id, { usedMs: timeMs, answeredTo: 0, replies: new Map() });
    if (this.#sessions.size > this.#max) this.#sessions.delete(this.#oldest()!);
    return id;
  }

  /** Ends what was not used for too long by the time of the log. */
  expire(timeMs: number): void {
    for (const [id, { usedMs }] of this.#sessions) {
      if (timeMs - usedMs <= this.#ttlMs) break;
      this.#sessions.delete(id);
    }
  }

  /** Before a command is done: was it done already? Uses the session. */
  look(id: number, seq: number, answeredTo: number, timeMs: number): Known {
    const session = this.#sessions.get(id);
    if (session === undefined) return EXPIRED;
    session.usedMs = timeMs;
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    forgetBelow(session, answeredTo);
    const reply = session.replies.get(seq);
    if (reply !== undefined) return { state: 'done', reply };
    return seq < session.answeredTo ? EXPIRED : NEW;
  }

  /** A client that never says what it has got is cut off where its oldest answers were. */
  done(id: number, seq: number, reply: Uint8Array): void {
    const session = this.#sessions.get(id)!;
    session.replies.set(seq, reply);
    if (session.replies.size <= RAFT_SESSION_REPLIES_MAX) return;
    forgetBelow(session, Math.min(...session.replies.keys()) + 1);
  }

  /** A piece per session, in order of use, of the state at the time of the call. */
  pieces(): Iterator<Uint8Array> {
    const copy = [...this.#sessions].map(([id, { usedMs, answeredTo, replies }]) => ({
      id,
      usedMs,
      answeredTo,
      replies: [...replies],
    }));
    const nextId = this.#nextId;
    return (function* () {
      const writer = new ByteWriter();
      writer.varint(nextId);
      writer.varint(copy.length);
      yield writer.take();
      for (const { id, usedMs, answeredTo, replies } of copy) {
        writer.varint(id);
        writer.f64(usedMs);
        writer.varint(answeredTo);
        writer.varint(replies.length);
        for (const [seq, reply] of replies) {
          writer.varint(seq);
          writer.bytes(reply);
        }
        yield writer.take();
      }
    })();
  }

  /** The first piece: empties the table, and says how many more there are. */
  beginRestore(piece: Uint8Array): number {
    const reader = new ByteReader(piece);
    this.#sessions = new Map();
    this.#nextId = reader.varint();
    return reader.varint();
  }

  restore(piece: Uint8Array): void {
    const reader = new ByteReader(piece);
    const id = reader.varint();
    const session: Session = { usedMs: reader.f64(), answeredTo: reader.varint(), replies: new Map() };
    const count = reader.count(2);
    for (let i = 0; i < count; i++) session.replies.set(reader.varint(), reader.bytes());
    reader.end();
    this.#sessions.set(id, session);
  }

  #oldest(): number | undefined {
    return this.#sessions.keys().next().value;
  }
}

function forgetBelow(session: Session, seq: number): void {
  if (seq <= session.answeredTo) return;
  session.answeredTo = seq;
  for (const known of session.replies.keys()) if (known < seq) session.replies.delete(known);
}
