/**
 * What replicated groups keep in the shared log: a shard per group, marked with the group's number, an offset per entry frame. The bodies are theirs
 * (actors/raft/journal/write-codec.ts). Their records are numbered and staged in order without a gap: when a full disk has undone a commit, what comes behind it is refused until the
 * undone ones have come again.
 */
import { SHARD_MAX, STORE_RESTATE_MAX } from '../../base/limits.ts';
import type { ShardId } from '../../storage/engine.ts';
import type { Journal } from '../../storage/journal.ts';
import { OFFSET_KINDS } from '../../storage/marks.ts';
import type { ShardNumbers } from './engines.ts';
import { type KeptFront, type ListedLogs, LOG_ITEM, LOG_ITEM_BYTES } from './messages.ts';

/** Kind of the mark that makes a shard a group's; above those of inboxes. */
const GROUP_MARK = OFFSET_KINDS + 64;

export class ReplicatedLogs {
  readonly #journal: Journal;
  readonly #numbers: ShardNumbers;
  readonly #shards = new Map<number, ShardId>();
  readonly #groups = new Map<ShardId, number>();
  /** Of the next record. */
  #due = 1;
  /** Of the first record that is staged and not committed; 0: none. */
  #firstStaged = 0;

  constructor(journal: Journal, numbers: ShardNumbers) {
    this.#journal = journal;
    this.#numbers = numbers;
    for (const [shard, { kind, value }] of journal.marks.all()) if (kind === GROUP_MARK) this.#know(value, shard);
  }

  has(shard: ShardId): boolean {
    return this.#groups.has(shard);
  }

  groupOf(shard: ShardId): number | undefined {
    return this.#groups.get(shard);
  }

  list(): ListedLogs {
    const { table } = this.#journal;
    return {
      logs: [...this.#shards].map(([group, shard]) => ({ group, shard, start: table.start(shard), end: table.end(shard) })),
    };
  }

  /** Groups that write little would keep the log from its beginning on; they alone can say which of it they need. Undefined: others keep it too, or too many do. */
  keptFront(): KeptFront | undefined {
    const { front, sealed, active } = this.#journal;
    const keepers = front.keepers(STORE_RESTATE_MAX);
    if (keepers === undefined || keepers.size === 0) return undefined;
    const groups = [...keepers].flatMap((shard) => this.#groups.get(shard) ?? []);
    if (groups.length < keepers.size) return undefined;
    return { groups, logBytes: sealed.reduce((bytes, { info }) => bytes + info.size, active.position) };
  }

  /** Stages the items of a record; returns its result. */
  stage(number: number, bytes: Uint8Array, view: DataView, from: number, to: number): number {
    if (number !== this.#due || this.#journal.poisoned !== null) return -1;
    this.#due++;
    if (this.#firstStaged === 0) this.#firstStaged = number;
    for (let at = from; at + LOG_ITEM_BYTES <= to; ) {
      const group = view.getUint32(at, true);
      const size = view.getUint32(at + 8, true);
      const body = at + LOG_ITEM_BYTES;
      const shard = this.#shard(group);
      if (bytes[at + 4] === LOG_ITEM.entry)
        this.#journal.appendEntry(shard, view.getUint32(at + 12, true), bytes, body, body + size);
      else this.#journal.trim(shard, view.getFloat64(body, true));
      at = body + ((size + 3) & ~3);
    }
    return number;
  }

  /** All that is staged is committed, or undone as if it had not been staged. */
  settled(isCommitted: boolean): void {
    if (!isCommitted && this.#firstStaged > 0) this.#due = this.#firstStaged;
    this.#firstStaged = 0;
  }

  #shard(group: number): ShardId {
    const known = this.#shards.get(group);
    if (known !== undefined) return known;
    const shard = this.#numbers.take();
    if (shard > SHARD_MAX) throw new Error('no shard number is free');
    this.#journal.create(shard);
    this.#journal.mark(shard, GROUP_MARK, group);
    this.#know(group, shard);
    return shard;
  }

  #know(group: number, shard: ShardId): void {
    this.#shards.set(group, shard);
    this.#groups.set(shard, group);
  }
}
