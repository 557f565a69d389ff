/**
 * The writer of one partition of a declared topic on one reactor. What a turn publishes becomes one record batch, handed to the store at the turn's end. A
 * partition that nobody writes to holds nothing but its name and number.
 */
import { PARTITION_BATCH_BYTES } from '../../base/limits.ts';
import { CONTROL } from '../../storage/control.ts';
import { RecordBatchBuilder } from '../../storage/record-batch-builder.ts';
import { RecordHeaders } from '../../storage/record-headers.ts';
import { PUBLISH_DUP } from '../../wire/mqtt/constants.ts';
import { newPublishView, type PublishView, packetEnd, readPublish } from '../../wire/mqtt/publish-run.ts';
import { MARK, takenValue } from '../inbox/marks.ts';
import type { Run } from '../router/sink.ts';
import type { StoreClient } from '../store/client.ts';
import { STORE_MORE, STORE_SYNC, STORE_SYNC_SOON } from '../store/messages.ts';
import { type Declaration, isCompacted } from './messages.ts';
import { propertiesToHeaders } from './mqtt-record.ts';
import { SHARD_PROBE } from './probe.ts';
import { StagedWrite } from './staged.ts';

const { slot } = SHARD_PROBE;

/** What the partitions of a reactor share: builders and scratch space, so that a thousand partitions do not have a thousand of them. */
export class PartitionPool {
  readonly store: StoreClient;
  readonly slots: Float64Array;
  readonly wallClock: () => number;
  readonly view: PublishView = newPublishView();
  readonly headers: RecordHeaders = new RecordHeaders();
  readonly #builders: RecordBatchBuilder[] = [];
  /** Partitions with something to hand over at the end of this turn. */
  #dirty: Partition[] = [];

  constructor(store: StoreClient, slots: Float64Array, wallClock: () => number) {
    this.store = store;
    this.slots = slots;
    this.wallClock = wallClock;
  }

  take(partition: Partition): RecordBatchBuilder {
    this.#dirty.push(partition);
    return this.#builders.pop() ?? new RecordBatchBuilder();
  }

  give(builder: RecordBatchBuilder): void {
    builder.clear();
    this.#builders.push(builder);
  }

  endTurn(): void {
    if (this.#dirty.length === 0) return;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const partition of dirty) partition.handOver();
  }
}

export class Partition {
  readonly declaration: Declaration;
  readonly index: number;
  readonly #pool: PartitionPool;
  readonly #isCompacted: boolean;
  #builder: RecordBatchBuilder | null = null;
  #staged: StagedWrite | null = null;
  #isAwaited = false;
  /** Marks of QoS 2 messages in the batch, which are in one commit with it. */
  #taken: number[] = [];

  constructor(pool: PartitionPool, declaration: Declaration, index: number) {
    this.#pool = pool;
    this.declaration = declaration;
    this.#isCompacted = isCompacted(declaration);
    this.index = index;
  }

  /** Adds the messages of a run; returns the write that a publisher of QoS 1 or 2 waits for; null when they are there already. */
  append(run: Run): StagedWrite | null {
    const pool = this.#pool;
    const { view, headers } = pool;
    if (run.qos === 2 && this.declaration.engine === 'dedicated' && this.#isThere(run)) return null;
    const { buffer, dialect, topic, count } = run;
    const key = topic.bytes;
    const now = pool.wallClock();
    let builder = (this.#builder ??= pool.take(this));
    for (let at = run.start; at < run.end; at = view.end) {
      readPublish(buffer, at, packetEnd(buffer, at), dialect, view);
      const hasProperties = view.propertiesEnd > view.propertiesStart;
      if (hasProperties) propertiesToHeaders(buffer, view.propertiesStart, view.propertiesEnd, headers);
      const more = hasProperties ? headers : undefined;
      // As with retained messages: without a payload it says that there is nothing any more.
      const value = this.#isCompacted && view.payloadStart === view.end ? undefined : buffer;
      if (!builder.append(now, key, 0, key.length, value, view.payloadStart, view.end, more)) {
        this.handOver();
        builder = this.#builder = pool.take(this);
        builder.append(now, key, 0, key.length, value, view.payloadStart, view.end, more);
      }
    }
    pool.slots[slot.appended]! += count;
    if (run.qos > 0) this.#isAwaited = true;
    if (run.qos === 2 && this.declaration.engine === 'dedicated') this.#noteTaken(run, view.packetId);
    const staged = (this.#staged ??= new StagedWrite());
    if (builder.end >= PARTITION_BATCH_BYTES) this.handOver();
    return staged;
  }

  handOver(): void {
    const builder = this.#builder;
    if (builder === null) return;
    const { declaration, index } = this;
    builder.seal();
    const store = this.#pool.store;
    const staged = (this.#staged ??= new StagedWrite());
    const shard = declaration.shards[index]!;
    const taken = this.#taken;
    const flags = this.#flags();
    const more = taken.length > 0 ? STORE_MORE : 0;
    store.append(declaration.engine, shard, flags | more, -1, builder.bytes, 0, builder.end, staged);
    for (const [i, value] of taken.entries()) {
      const isLast = i === taken.length - 1;
      store.control('dedicated', shard, flags | (isLast ? 0 : STORE_MORE), CONTROL.mark, MARK.taken, value, null);
    }
    if (taken.length > 0) this.#taken = [];
    this.#pool.give(builder);
    this.#builder = null;
    this.#staged = null;
    this.#isAwaited = false;
  }

  /** A message of QoS 2 is a run of its own. Only one that is sent again can be there: the id of any other is a new one's. */
  #isThere({ publisher, buffer, start, dialect }: Run): boolean {
    const { view } = this.#pool;
    readPublish(buffer, start, packetEnd(buffer, start), dialect, view);
    const shard = this.declaration.shards[this.index]!;
    return (view.header & PUBLISH_DUP) !== 0 && publisher?.hasTaken?.(view.packetId, shard) === true;
  }

  /** As above. */
  #noteTaken({ publisher }: Run, packetId: number): void {
    const inbox = publisher?.takenAt?.(packetId, this.declaration.shards[this.index]!) ?? 0;
    if (inbox > 0) this.#taken.push(takenValue(inbox, packetId));
  }

  /** Nobody waits for messages of QoS 0: they may take their time. */
  #flags(): number {
    const { fsync, engine } = this.declaration;
    // In the shared log it is one unit with what the turn says of sessions.
    const unit = engine === 'shared' ? STORE_MORE : 0;
    if (fsync === 'never') return unit;
    return unit | (fsync === 'always' && this.#isAwaited ? STORE_SYNC : STORE_SYNC_SOON);
  }
}
