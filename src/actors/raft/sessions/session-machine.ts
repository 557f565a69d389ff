/** A state machine with sessions in front of another: what it is fed are batches of commands, each is done once. */
import { assert } from '../../../base/assert.ts';
import { RAFT_SNAPSHOT_CHUNK_BYTES } from '../../../base/limits.ts';
import { DATA, type Entry } from '../entry.ts';
import { PieceParser, PieceReader, pour } from '../snapshot/pieces.ts';
import type { SnapshotReader, StateMachine } from '../state-machine.ts';
import type { SnapshotMeta } from '../storage.ts';
import { type Command, decodeCommands } from './command-codec.ts';
import type { SessionTable } from './session-table.ts';

/** What the commands mean. Deterministic: no clock but the log's, no chance. */
export interface CommandMachine {
  apply(command: Uint8Array, timeMs: number): Uint8Array;
  /** Pieces of the state at the time of the call. */
  pieces(): Iterator<Uint8Array>;
  beginRestore(): void;
  restore(piece: Uint8Array): void;
}

export type CommandReply =
  | { readonly status: 'done'; readonly reply: Uint8Array }
  | { readonly status: 'opened'; readonly session: number }
  | { readonly status: 'expired' };

const EXPIRED: CommandReply = { status: 'expired' };

export class SessionMachine implements StateMachine {
  readonly #commands: CommandMachine;
  readonly #sessions: SessionTable;
  #appliedIndex = 0;
  /** The log's clock: the leaders' clocks, but never backwards. */
  #timeMs = 0;

  constructor(commands: CommandMachine, sessions: SessionTable) {
    this.#commands = commands;
    this.#sessions = sessions;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** The reply to an entry is a `CommandReply` per command. */
  apply(entries: readonly Entry[], done: (replies: readonly unknown[]) => void): void {
    const replies: unknown[] = [];
    for (const entry of entries) {
      assert(entry.index === this.#appliedIndex + 1, 'every entry is applied once, in order');
      replies.push(entry.kind === DATA ? this.#applyBatch(entry.data) : undefined);
      this.#appliedIndex = entry.index;
    }
    done(replies);
  }

  snapshot(): SnapshotReader {
    const sessions = this.#sessions.pieces();
    const commands = this.#commands.pieces();
    const clock = new Uint8Array(8);
    new DataView(clock.buffer).setFloat64(0, this.#timeMs);
    return new PieceReader(
      (function* () {
        yield clock;
        yield* { [Symbol.iterator]: () => sessions };
        yield* { [Symbol.iterator]: () => commands };
      })(),
    );
  }

  restore(meta: SnapshotMeta, reader: SnapshotReader, done: () => void): void {
    let pieces = 0;
    let sessions = 0;
    const parser = new PieceParser((piece) => {
      const place = pieces++;
      if (place === 0) this.#timeMs = new DataView(piece.buffer, piece.byteOffset).getFloat64(0);
      else if (place === 1) sessions = this.#sessions.beginRestore(piece);
      else if (place < 2 + sessions) this.#sessions.restore(piece);
      else this.#commands.restore(piece);
    });
    this.#commands.beginRestore();
    pour(reader, parser, RAFT_SNAPSHOT_CHUNK_BYTES, () => {
      this.#appliedIndex = meta.index;
      done();
    });
  }

  #applyBatch(data: Uint8Array): CommandReply[] {
    const { timeMs, commands } = decodeCommands(data);
    this.#timeMs = Math.max(this.#timeMs, timeMs);
    this.#sessions.expire(this.#timeMs);
    return commands.map((command) => doOnce(command, this.#timeMs, this.#sessions, this.#commands));
  }
}

/** Does a command, or says again what it has done. */
export function doOnce(
  command: Command,
  timeMs: number,
  sessions: SessionTable,
  machine: Pick<CommandMachine, 'apply'>,
): CommandReply {
  if (command.type === 'open') return { status: 'opened', session: sessions.open(timeMs) };
  if (command.type === 'plain') return { status: 'done', reply: machine.apply(command.bytes, timeMs) };
  const { session, seq, answeredTo, bytes } = command;
  const known = sessions.look(session, seq, answeredTo, timeMs);
  if (known.state === 'expired') return EXPIRED;
  if (known.state === 'done') return { status: 'done', reply: known.reply };
  const reply = machine.apply(bytes, timeMs);
  sessions.done(session, seq, reply);
  return { status: 'done', reply };
}
