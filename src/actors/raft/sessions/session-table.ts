/**
 * Who has asked what already, and what the answer was: part of the replicated state, the same on every replica and in every snapshot. A command that comes again,
 * because its first answer was lost, is answered again and not done again.
 *
 * Sessions end by the log alone: the one used longest ago goes when there are too many, and one that was not used for `ttlMs` of the log's time. Its commands are
 * then refused for good; to do them anew could do them twice.
 */
import { ownBytes } from '../../../base/bytes.ts';
import { RAFT_SESSION_REPLIES_MAX } from '../../../base/limits.ts';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';

interface Session {
  usedMs: number;
  /** Counts uses of all sessions, for whoever keeps them one by one: equal times do not tell an order. */
  order: number;
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
  #uses = 0;
  /** Sessions that have changed or ended, for whoever keeps them one by one; undefined: nobody does. */
  touched: Set<number> | undefined;

  constructor(max: number, ttlMs: number) {
    this.#max = max;
    this.#ttlMs = ttlMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  ids(): Iterable<number> {
    return this.#sessions.keys();
  }

  open(timeMs: number): number {
    const id = this.#nextId++;
    this.#sessions.set(id, { usedMs: timeMs, order: ++this.#uses, answeredTo: 0, replies: new Map() });
    this.touched?.add(id);
    if (this.#sessions.size > this.#max) this.#end(this.#oldest()!);
    return id;
  }

  /** Ends what was not used for too long by the time of the log. */
  expire(timeMs: number): void {
    for (const [id, { usedMs }] of this.#sessions) {
      if (timeMs - usedMs <= this.#ttlMs) break;
      this.#end(id);
    }
  }

  /** Before a command is done: was it done already? Uses the session. */
  look(id: number, seq: number, answeredTo: number, timeMs: number): Known {
    const session = this.#sessions.get(id);
    if (session === undefined) return EXPIRED;
    session.usedMs = timeMs;
    session.order = ++this.#uses;
    this.touched?.add(id);
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
    const copy = [...this.#sessions].map(([id, session]) => ({ ...session, id, replies: [...session.replies] }));
    const header = this.header();
    return (function* () {
      yield header;
      for (const session of copy) yield encodeSession(session);
    })();
  }

  /** The first of the pieces. */
  header(): Uint8Array {
    const writer = new ByteWriter();
    writer.varint(this.#nextId);
    writer.varint(this.#sessions.size);
    return writer.take();
  }

  /** The piece of one session, and its place in the order of use; undefined: it has ended. */
  row(id: number): { readonly order: number; readonly piece: Uint8Array } | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    return { order: session.order, piece: encodeSession({ ...session, id, replies: [...session.replies] }) };
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
    const usedMs = reader.f64();
    const session: Session = { usedMs, order: ++this.#uses, answeredTo: reader.varint(), replies: new Map() };
    const count = reader.count(2);
    for (let i = 0; i < count; i++) session.replies.set(reader.varint(), ownReply(reader));
    reader.end();
    this.#sessions.set(id, session);
  }

  #end(id: number): void {
    this.#sessions.delete(id);
    this.touched?.add(id);
  }

  #oldest(): number | undefined {
    return this.#sessions.keys().next().value;
  }
}

interface SessionCopy {
  readonly id: number;
  readonly usedMs: number;
  readonly answeredTo: number;
  readonly replies: readonly (readonly [seq: number, reply: Uint8Array])[];
}

function encodeSession({ id, usedMs, answeredTo, replies }: SessionCopy): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(id);
  writer.f64(usedMs);
  writer.varint(answeredTo);
  writer.varint(replies.length);
  for (const [seq, reply] of replies) {
    writer.varint(seq);
    writer.bytes(reply);
  }
  return writer.take();
}

function forgetBelow(session: Session, seq: number): void {
  if (seq <= session.answeredTo) return;
  session.answeredTo = seq;
  for (const known of session.replies.keys()) if (known < seq) session.replies.delete(known);
}

/** The piece that it comes in is not kept. */
function ownReply(reader: ByteReader): Uint8Array {
  const reply = reader.bytes();
  return ownBytes(reply, 0, reply.length);
}
