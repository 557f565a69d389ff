/** A log that several reactors write to, each in its order, and that orders them, answers and is read as a spec says. It has one inbox. */
import * as assert from 'uvu/assert';
import { FanOuts } from '../../../src/actors/inbox/fan-outs.ts';
import type { Inbox } from '../../../src/actors/inbox/inbox.ts';
import { forEachInboxFrame } from '../../../src/actors/inbox/inbox-frames.ts';
import type { Inboxes } from '../../../src/actors/inbox/inboxes.ts';
import type { Committed, StoreClient } from '../../../src/actors/store/client.ts';
import type { ShardBytes, StoreRefusal } from '../../../src/actors/store/messages.ts';
import { forEachRecipient, setRecipientBase } from '../../../src/storage/fan-out.ts';
import { emptyFrameHeader, FRAME, FRAME_HEADER_BYTES, frameBytes, sealFrame, viewOf } from '../../../src/storage/frame.ts';
import { decode, payloads } from '../session/packets.ts';

export const SHARD = 7;

interface Given {
  readonly messages: number;
  readonly body: Uint8Array;
  readonly heard: Committed;
}

interface Frame {
  readonly base: number;
  readonly texts: readonly string[];
  readonly bytes: Uint8Array;
}

interface Read {
  readonly offset: number;
  readonly then: (answer: ShardBytes | StoreRefusal) => void;
}

export class FakeLog {
  readonly inboxes: Inboxes;
  readonly fanOuts: FanOuts;
  /** Below it all has been trimmed. */
  start = 0;
  end = 0;
  frames: Frame[] = [];
  /** What goes from the disk, as it goes. */
  onTrimmed: (texts: readonly string[]) => void = () => {};
  readonly #given: Given[][] = [];
  readonly #written: { readonly heard: Committed; readonly base: number }[][] = [];
  #reads: Read[] = [];
  #touched = new Set<Inbox>();

  /** `reactors`: 0, the relay's, and others. */
  constructor(reactors: number) {
    for (let reactor = 0; reactor < reactors; reactor++) {
      this.#given.push([]);
      this.#written.push([]);
    }
    const give = (reactor: number, messages: number, bytes: Uint8Array, heard: Committed): void =>
      void this.#given[reactor]!.push({ messages, body: bytes.slice(), heard });
    const store: Pick<StoreClient, 'fanOut'> = {
      fanOut: (messages, _recipients, _flags, _timestamp, bytes, start, end, then) =>
        give(0, messages, bytes.subarray(start, end), then),
    };
    this.fanOuts = new FanOuts(store as StoreClient);
    this.fanOuts.onForeign = (origin, { messages, bytes, end, write }) => give(origin, messages, bytes.subarray(0, end), write);
    const inboxes: Partial<Inboxes> = {
      fanOuts: this.fanOuts,
      began: () => {},
      touch: (inbox) => void this.#touched.add(inbox),
      later: (_shard, _op, _kind, value) => this.#trim(value),
      read: (_shard, offset, _bytesMax, then) => void this.#reads.push({ offset, then }),
    };
    this.inboxes = inboxes as Inboxes;
  }

  endTurn(): void {
    this.fanOuts.handOver();
    const touched = this.#touched;
    this.#touched = new Set();
    for (const inbox of touched) inbox.keep();
  }

  /** What the reactor has given first is there. False: there is none. */
  write(reactor: number): boolean {
    const given = this.#given[reactor]!.shift();
    if (given === undefined) return false;
    this.#written[reactor]!.push({ heard: given.heard, base: this.#append(given) });
    return true;
  }

  /** The reactor hears of the first that is there. */
  answer(reactor: number): boolean {
    const written = this.#written[reactor]!.shift();
    written?.heard.committed(undefined, [written.base]);
    return written !== undefined;
  }

  /** The reactor dies, or the disk refuses what it has given; the first `written` of it are there all the same. Returns what nobody is told of: what is there, and what is not. */
  fail(reactor: number, written: number): { there: string[]; gone: string[] } {
    const there: string[] = [];
    const gone: string[] = [];
    const failed: Committed[] = [];
    for (const { heard, base } of this.#written[reactor]!.splice(0)) {
      there.push(...(this.frames.find((frame) => frame.base === base)?.texts ?? []));
      failed.push(heard);
    }
    for (const [i, given] of this.#given[reactor]!.splice(0).entries()) {
      if (i < written) this.#append(given);
      (i < written ? there : gone).push(...textsOf(frameOf(given.body, 0)));
      failed.push(given.heard);
    }
    for (const heard of failed) heard.committed('SLUICE_STORAGE_FAILED', []);
    return { there, gone };
  }

  get isReading(): boolean {
    return this.#reads.length > 0;
  }

  /** Answers the read with `count` frames. */
  read(count: number): void {
    const read = this.#reads.shift();
    if (read === undefined) return;
    const { start, end } = this;
    assert.ok(read.offset >= start && read.offset <= end, `${read.offset} lies in ${start} to ${end}`);
    const frames = this.frames.filter(({ base, texts }) => base + texts.length > read.offset).slice(0, count);
    read.then({ bytes: Buffer.concat(frames.map(({ bytes }) => bytes)), start, end });
  }

  failRead(): void {
    this.#reads.shift()?.then({ code: 'SLUICE_STORAGE_FAILED', message: 'as the spec says' });
  }

  /** A frame whose reactor has heard of it is not there any more. Returns what was in it. */
  damage(choice: number): readonly string[] {
    const unheard = new Set(this.#written.flat().map(({ base }) => base));
    const heard = this.frames.filter(({ base }) => !unheard.has(base));
    const damaged = heard[choice % heard.length];
    this.frames = this.frames.filter((frame) => frame !== damaged);
    return damaged?.texts ?? [];
  }

  #append({ messages, body }: Given): number {
    const base = this.end;
    this.end += messages;
    const bytes = frameOf(body, base);
    this.frames.push({ base, texts: textsOf(bytes), bytes });
    return base;
  }

  #trim(to: number): void {
    for (const { base, texts } of this.frames) {
      this.onTrimmed(texts.filter((_, i) => base + i >= this.start && base + i < to));
    }
    this.start = Math.max(this.start, to);
    this.frames = this.frames.filter(({ base, texts }) => base + texts.length > this.start);
  }
}

function frameOf(body: Uint8Array, base: number): Uint8Array {
  const bytes = new Uint8Array(frameBytes(body.length));
  const view = viewOf(bytes);
  bytes.set(body, FRAME_HEADER_BYTES);
  forEachRecipient(view, FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + body.length, (_, at) => setRecipientBase(view, at, base));
  sealFrame(bytes, view, 0, body.length, { ...emptyFrameHeader(), type: FRAME.fanOut });
  return bytes;
}

function textsOf(frame: Uint8Array): string[] {
  const texts: string[] = [];
  forEachInboxFrame(frame, SHARD, (runs) => {
    for (const { dialect, buffer, start, end } of runs) texts.push(...payloads(decode(dialect, buffer.subarray(start, end))));
  });
  return texts;
}
