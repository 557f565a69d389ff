/**
 * What a turn publishes for persistent sessions, on its way to the log: runs for the same recipients are gathered into one frame, stored once however many recipients
 * there are, and handed over at the turn's end. One per reactor.
 *
 *   publish ─▶ router ─▶ session ─▶ collect (who, and what of it) ─▶ end: into the frame of these recipients ─▶ turn's end: to the store
 *
 * Frames are handed over in the order in which they were begun, and all of them whenever a subscription changes; so one topic's messages, whose recipients stay
 * the same in between, keep their order.
 */
import { FAN_OUT_BYTES } from '../../base/limits.ts';
import { beginFanOut, endRecipients, recipientBytes, writeRecipient } from '../../storage/fan-out.ts';
import type { Run } from '../router/sink.ts';
import type { Topic } from '../router/topic-table.ts';
import { StagedWrite } from '../shard/staged.ts';
import type { StoreClient } from '../store/client.ts';
import { STORE_MORE, STORE_SYNC, type StoreErrorCode } from '../store/messages.ts';
import { attributeBytes, type Grant, readRuns, runBytes, writeAttributes, writeRun } from './block.ts';
import type { Inbox } from './inbox.ts';

const PREFIX_BYTES = 8;

/** A frame that is being gathered. */
export class FanOut {
  readonly recipients: readonly Inbox[];
  readonly grants: readonly Grant[];
  readonly write: StagedWrite;
  bytes: Uint8Array;
  view: DataView;
  /** Where the runs begin. */
  readonly block: number;
  end: number;
  messages = 0;
  /** The reactor whose messages these are; 0: this one. */
  readonly origin: number;

  constructor(recipients: readonly Inbox[], grants: readonly Grant[], room: number, origin: number) {
    this.recipients = recipients;
    this.origin = origin;
    // Copies: a subscription may change while its messages are on their way.
    this.grants = grants.map(({ qos, retainAsPublished, subscriptionIds, share }) => ({
      qos,
      retainAsPublished,
      subscriptionIds,
      share,
    }));
    this.write = new StagedWrite((code, bases) => this.#committed(code, bases));
    const prefix = grants.reduce((bytes, grant) => bytes + recipientBytes(attributeBytes(grant)), PREFIX_BYTES);
    this.block = (prefix + 7) & ~7;
    this.bytes = new Uint8Array(this.block + room);
    this.view = new DataView(this.bytes.buffer);
    let at = beginFanOut(this.view, 0, recipients.length);
    for (const [i, { machine }] of recipients.entries()) {
      writeAttributes(this.view, at + 16, grants[i]!);
      at = writeRecipient(this.view, at, machine.shard, attributeBytes(grants[i]!));
    }
    endRecipients(this.view, 0, this.block);
    this.end = this.block;
  }

  add(run: Run): void {
    const bytes = runBytes(run);
    if (this.end + bytes > this.bytes.length) this.#grow(this.end + bytes);
    this.end = writeRun(this.bytes, this.view, this.end, run);
    this.messages += run.count;
    for (const inbox of this.recipients) inbox.machine.stage(run.count, bytes);
  }

  isFor(origin: number, recipients: readonly Inbox[], grants: readonly Grant[]): boolean {
    if (origin !== this.origin || recipients.length !== this.recipients.length) return false;
    for (let i = 0; i < recipients.length; i++) {
      if (recipients[i] !== this.recipients[i] || !isSame(grants[i]!, this.grants[i]!)) return false;
    }
    return true;
  }

  #committed(code: StoreErrorCode | undefined, bases: readonly number[]): void {
    for (const [i, inbox] of this.recipients.entries()) {
      const base = code === undefined ? bases[i]! : -1;
      if (base < 0) inbox.lost(this.messages, this.end - this.block);
      else
        inbox.arrived(base, this.messages, (out) => readRuns(this.bytes, this.view, this.block, this.end, this.grants[i]!, out));
    }
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(bytes, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

export class FanOuts {
  readonly #store: StoreClient;
  /** Frames that are being gathered, in the order they were begun. */
  #open: FanOut[] = [];
  /** By topic, those with several recipients; those with one are known to it. */
  readonly #byTopic = new Map<Topic, FanOut>();
  #recipients: Inbox[] = [];
  #grants: Grant[] = [];
  readonly #one: [Inbox[], Grant[]] = [[], []];
  #isPublishing = false;
  /** The reactor that has published what comes now; 0: this one. */
  origin = 0;
  /** Takes the frames of other reactors. */
  onForeign: (origin: number, fanOut: FanOut) => void = () => {};
  /** The writes that the run between the last `begin` and `end` went to. */
  readonly writes: StagedWrite[] = [];

  constructor(store: StoreClient) {
    this.#store = store;
  }

  /** A run goes to several sinks now: who of them has an inbox is collected until `end`. */
  begin(): void {
    this.#isPublishing = true;
    if (this.writes.length > 0) this.writes.length = 0;
  }

  /** All sinks have had the run. */
  end(run: Run): void {
    this.#isPublishing = false;
    if (this.#recipients.length > 0) this.#stageAll(run);
  }

  /** The run is for this inbox as well. */
  collect(inbox: Inbox, run: Run, grant: Grant): void {
    this.#recipients.push(inbox);
    this.#grants.push(grant);
    if (!this.#isPublishing) this.#stageAll(run);
  }

  /** This part of a run is for this inbox alone: the member of a shared subscription that it fell to. */
  single(inbox: Inbox, part: Run, grant: Grant): void {
    inbox.mayHoldShared = true;
    const [recipients, grants] = this.#one;
    recipients[0] = inbox;
    grants[0] = grant;
    this.#stage(part, recipients, grants);
  }

  /** Hands everything over, what has been published here to the store: at the end of the turn, and before recipients change. */
  handOver(): void {
    const open = this.#open;
    if (open.length === 0) return;
    this.#open = [];
    this.#byTopic.clear();
    for (const fanOut of open) this.#send(fanOut);
  }

  #stageAll(run: Run): void {
    this.#stage(run, this.#recipients, this.#grants);
    this.#recipients.length = 0;
    this.#grants.length = 0;
  }

  #stage(run: Run, recipients: readonly Inbox[], grants: readonly Grant[]): void {
    const fanOut = this.#find(run.topic, recipients, grants) ?? this.#gather(run, recipients, grants);
    fanOut.add(run);
    // Parts of one run that fall to one member are in one frame.
    if (!this.writes.includes(fanOut.write)) this.writes.push(fanOut.write);
    if (fanOut.end >= FAN_OUT_BYTES) this.handOver();
  }

  #find(topic: Topic, recipients: readonly Inbox[], grants: readonly Grant[]): FanOut | undefined {
    const known = recipients.length === 1 ? recipients[0]!.gathering : this.#byTopic.get(topic);
    return known?.isFor(this.origin, recipients, grants) ? known : undefined;
  }

  #gather(run: Run, recipients: readonly Inbox[], grants: readonly Grant[]): FanOut {
    const fanOut = new FanOut([...recipients], grants, Math.max(1024, 2 * runBytes(run)), this.origin);
    this.#open.push(fanOut);
    if (recipients.length === 1) recipients[0]!.gathering = fanOut;
    else this.#byTopic.set(run.topic, fanOut);
    return fanOut;
  }

  #send(fanOut: FanOut): void {
    const { recipients, messages, bytes, end, write, origin } = fanOut;
    if (recipients.length === 1) recipients[0]!.gathering = null;
    if (origin !== 0) return this.onForeign(origin, fanOut);
    this.#store.fanOut(messages, recipients.length, STORE_SYNC | STORE_MORE, 0, bytes, 0, end, write);
  }
}

function isSame(a: Grant, b: Grant): boolean {
  return (
    a.qos === b.qos &&
    a.retainAsPublished === b.retainAsPublished &&
    a.subscriptionIds === b.subscriptionIds &&
    a.share === b.share
  );
}
