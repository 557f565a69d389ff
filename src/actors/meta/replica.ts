/**
 * A group's state machine as Raft sees it: commands once each, in sessions (raft/sessions), on a `MetaMachine`; kept in rows when there is a store, and then only as
 * much of the values in memory as there is room for. Applying waits for nothing but values that a command looks at and that are not in memory.
 */
import { assert } from '../../base/assert.ts';
import { RAFT_SNAPSHOT_CHUNK_BYTES } from '../../base/limits.ts';
import { DATA, type Entry } from '../raft/entry.ts';
import { type CommandBatch, decodeCommands } from '../raft/sessions/command-codec.ts';
import { doOnce } from '../raft/sessions/session-machine.ts';
import type { SessionTable } from '../raft/sessions/session-table.ts';
import { PieceParser, pour } from '../raft/snapshot/pieces.ts';
import type { SnapshotReader, StateMachine } from '../raft/state-machine.ts';
import type { SnapshotMeta } from '../raft/storage.ts';
import { type ImagePart, imageOf } from './image.ts';
import type { MetaMachine } from './machine.ts';
import { type KeeperOptions, RowKeeper } from './rows/keeper.ts';
import { ImageReader } from './rows/snapshot-reader.ts';
import type { MetaKey } from './state/record.ts';

export class MetaReplica implements StateMachine {
  readonly group: number;
  readonly machine: MetaMachine;
  /** Not without a store. */
  readonly checkpoint: StateMachine['checkpoint'];
  readonly #sessions: SessionTable;
  readonly #keeper: RowKeeper | undefined;
  readonly #options: KeeperOptions | undefined;
  #appliedIndex: number;
  /** The log's clock: the leaders' clocks, but never backwards. */
  #timeMs: number;
  #onReplaced: (() => void)[] = [];
  #isRestoring = false;

  /** `kept`: as of which entry `machine` and `sessions` are. Without `options` everything is in memory, and lost with the process. */
  constructor(
    group: number,
    machine: MetaMachine,
    sessions: SessionTable,
    options?: KeeperOptions,
    kept: { readonly applied: number; readonly timeMs: number } = { applied: 0, timeMs: 0 },
  ) {
    this.group = group;
    this.machine = machine;
    this.#sessions = sessions;
    this.#options = options;
    this.#appliedIndex = kept.applied;
    this.#timeMs = kept.timeMs;
    const progress = (): { appliedIndex: number; timeMs: number } => ({ appliedIndex: this.#appliedIndex, timeMs: this.#timeMs });
    const keeper = options && new RowKeeper(options, machine, sessions, progress, kept.applied);
    this.#keeper = keeper;
    this.checkpoint = keeper && ((done) => keeper.checkpoint(done));
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** A snapshot is taking the place of the state, part by part: what is there is neither. */
  get isRestoring(): boolean {
    return this.#isRestoring;
  }

  /** Up to here the rows are. */
  get keptIndex(): number {
    return this.#keeper?.kept ?? 0;
  }

  /** Changes that have not been given to the store yet. */
  get waitingChanges(): number {
    return this.#keeper?.waiting ?? 0;
  }

  /** Hears when a snapshot has taken the place of the state: what was seen of it before says nothing about it. */
  onReplaced(listener: () => void): void {
    this.#onReplaced.push(listener);
  }

  /** The reply to an entry is a `CommandReply` per command. */
  apply(entries: readonly Entry[], done: (replies: readonly unknown[]) => void): void {
    const batches = entries.map(({ kind, data }) => (kind === DATA ? decodeCommands(data) : undefined));
    this.#whenWarm(batches, () => {
      const replies = batches.map((batch, i) => {
        const { index, term } = entries[i]!;
        assert(index === this.#appliedIndex + 1, 'every entry is applied once, in order');
        const reply = batch === undefined ? undefined : this.#do(batch, term);
        this.#appliedIndex = index;
        return reply;
      });
      this.#keeper?.applied();
      done(replies);
    });
  }

  snapshot(): SnapshotReader {
    const rows = this.machine.keyspace.isHot ? undefined : this.#options?.store.snapshot();
    return new ImageReader(this.group, this.#image(), rows);
  }

  restore(meta: SnapshotMeta, reader: SnapshotReader, done: () => void): void {
    let pieces = 0;
    let sessions = 0;
    const parser = new PieceParser((piece) => {
      const place = pieces++;
      if (place === 0) this.#timeMs = new DataView(piece.buffer, piece.byteOffset).getFloat64(0);
      else if (place === 1) sessions = this.#sessions.beginRestore(piece);
      else if (place < 2 + sessions) this.#sessions.restore(piece);
      else this.machine.restore(piece);
    });
    this.#isRestoring = true;
    this.#keeper?.replacing();
    this.machine.beginRestore();
    pour(reader, parser, RAFT_SNAPSHOT_CHUNK_BYTES, () => {
      this.#appliedIndex = meta.index;
      this.#isRestoring = false;
      this.#keeper?.replaced();
      for (const listener of this.#onReplaced) listener();
      done();
    });
  }

  /** Now and then, and before the end: what has changed goes to the rows. */
  flush(): void {
    this.#keeper?.flush();
  }

  /** Brings values into memory; `then` when those that the rows have are there. */
  warm(keys: readonly MetaKey[], then: () => void): void {
    if (this.#keeper === undefined || keys.length === 0) then();
    else this.#keeper.warm(keys, then);
  }

  /** A value may leave again while another is fetched. */
  #whenWarm(batches: readonly (CommandBatch | undefined)[], then: () => void): void {
    const cold = this.machine.keyspace.isHot ? [] : this.#coldKeys(batches);
    if (cold.length === 0) return then();
    this.warm(cold, () => this.#whenWarm(batches, then));
  }

  #coldKeys(batches: readonly (CommandBatch | undefined)[]): MetaKey[] {
    return batches.flatMap((batch) =>
      (batch?.commands ?? []).flatMap((command) => (command.type === 'open' ? [] : this.machine.coldKeys(command.bytes))),
    );
  }

  #do({ timeMs, commands }: CommandBatch, term: number): unknown {
    this.machine.term = term;
    this.#timeMs = Math.max(this.#timeMs, timeMs);
    this.#sessions.expire(this.#timeMs);
    return commands.map((command) => doOnce(command, this.#timeMs, this.#sessions, this.machine));
  }

  #image(): Iterator<ImagePart> {
    const clock = new Uint8Array(8);
    new DataView(clock.buffer).setFloat64(0, this.#timeMs);
    const sessions = this.#sessions.pieces();
    const state = imageOf(this.machine);
    return (function* () {
      yield { piece: clock };
      for (const piece of { [Symbol.iterator]: () => sessions }) yield { piece };
      yield* { [Symbol.iterator]: () => state };
    })();
  }
}
