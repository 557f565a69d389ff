/**
 * Drives a journal and a plain model of it side by side. A commit is all or nothing, so after a crash the journal must be as the model was after one of the
 * commits since the last one that was synced.
 */
import { Prng } from '../../src/base/prng.ts';
import { beginFanOut, endRecipients, writeRecipient } from '../../src/storage/fan-out.ts';
import { emptyFrameHeader, FRAME, readFrame, viewOf } from '../../src/storage/frame.ts';
import { Journal, type JournalOptions } from '../../src/storage/journal.ts';
import { readFrames } from '../../src/storage/journal-reader.ts';
import { makeBatch } from './batches.ts';
import type { SimDisk } from './sim-disk.ts';

export interface ShardPicture {
  readonly start: number;
  readonly end: number;
  /** What is kept: offset of the first record and a fingerprint of its frame's body. */
  readonly entries: readonly string[];
  readonly marks: readonly string[];
}

export type Picture = ReadonlyMap<number, ShardPicture>;

interface ModelShard {
  start: number;
  end: number;
  entries: { base: number; span: number; print: string }[];
  marks: Set<string>;
}

export function journalOptions(disk: SimDisk, seed: number, more: Partial<JournalOptions> = {}): JournalOptions {
  const prng = new Prng(seed);
  let now = 1_700_000_000_000;
  return {
    disk,
    directory: '/log',
    segmentBytes: 32 * 1024,
    tailBytes: 64 * 1024,
    runwayBytes: [0, 700, 8192][seed % 3]!,
    wallClock: () => now++,
    random: () => prng.next(),
    onCorruption: 'refuse',
    ...more,
  };
}

export class ModelledJournal {
  readonly disk: SimDisk;
  readonly #prng: Prng;
  readonly #options: JournalOptions;
  journal: Journal;
  #shards = new Map<number, ModelShard>();
  #print = 0;
  /** What the journal may be after a crash now, oldest first. */
  possible: Picture[] = [new Map()];

  constructor(disk: SimDisk, seed: number, more: Partial<JournalOptions> = {}) {
    this.disk = disk;
    this.#prng = new Prng(seed);
    this.#options = journalOptions(disk, seed + 1, more);
    this.journal = new Journal(this.#options);
  }

  /** Some random calls and a commit. */
  step(): void {
    for (let i = this.#below(8); i >= 0; i--) this.#act();
    this.commit(this.#prng.next() < 0.7);
  }

  commit(sync: boolean): void {
    let failure: Error | undefined;
    this.journal.commit(sync, (error) => {
      failure = error;
    });
    this.#prune();
    const picture = this.picture();
    // A write that has failed may have reached the disk all the same.
    this.possible = sync && failure === undefined ? [picture] : [...this.possible, picture];
    if (failure !== undefined) throw failure;
  }

  crash(): void {
    this.disk.crash(() => this.#prng.next());
    this.reopen();
  }

  kill(): void {
    this.disk.kill();
    this.reopen();
  }

  reopen(): void {
    this.journal = new Journal(this.#options);
  }

  /** Makes the model what the journal is, after a comparison has found that it may be that. */
  adopt(picture: Picture): void {
    this.#shards = new Map();
    for (const [shard, { start, end, entries, marks }] of picture) {
      const parsed = entries.map((entry) => {
        const [base, span, print] = entry.split('|');
        return { base: Number(base), span: Number(span), print: print! };
      });
      this.#shards.set(shard, { start, end, entries: parsed, marks: new Set(marks) });
    }
    this.possible = [picture];
  }

  picture(): Picture {
    const picture = new Map<number, ShardPicture>();
    for (const [shard, { start, end, entries, marks }] of this.#shards) {
      picture.set(shard, { start, end, entries: entries.map((e) => `${e.base}|${e.span}|${e.print}`), marks: [...marks].sort() });
    }
    return picture;
  }

  #act(): void {
    const shard = 1 + this.#below(6);
    const known = this.#shards.get(shard);
    const what = this.#below(20);
    if (known === undefined) {
      const start = this.#below(3) * 100;
      this.journal.create(shard, start);
      this.#shards.set(shard, { start, end: start, entries: [], marks: new Set() });
    } else if (what < 10) this.#append(shard, known);
    else if (what < 14) this.#fanOut();
    else if (what < 16) {
      const to = known.start + this.#below(known.end - known.start + 2);
      this.journal.trim(shard, Math.min(to, this.journal.table.end(shard)));
      known.start = Math.max(known.start, Math.min(to, this.journal.table.end(shard)));
      for (const mark of known.marks)
        if (Number(mark.split(':')[1]) < known.start && mark.startsWith('1:')) known.marks.delete(mark);
    } else if (what < 18) this.#mark(shard, known);
    else if (what === 18 && this.journal.stagedBytes === 0) {
      this.journal.drop(shard);
      this.#shards.delete(shard);
    }
  }

  #append(shard: number, known: ModelShard): void {
    const records = 1 + this.#below(4);
    const print = this.#nextPrint();
    const bytes = this.#below(20) === 0 ? 5000 + this.#below(9000) : this.#below(300);
    this.journal.append(shard, known.end, printed(makeBatch(records, 0, bytes + 8), print), 0, 61 + bytes + 8);
    known.entries.push({ base: known.end, span: records, print });
    known.end += records;
  }

  #fanOut(): void {
    const messages = 1 + this.#below(5);
    const print = this.#nextPrint();
    const shards = [1, 2, 3, 4, 5, 6, 7].filter(() => this.#prng.next() < 0.5);
    const body = new Uint8Array(2000);
    const view = viewOf(body);
    let at = beginFanOut(view, 0, shards.length);
    for (const shard of shards) at = writeRecipient(view, at, shard, this.#below(7));
    endRecipients(view, 0, at);
    body.set(new TextEncoder().encode(print), at);
    const bases = new Map<number, number>();
    this.journal.appendFanOut(body, 0, at + 8 + this.#below(100), messages, 5, (shard, base) => bases.set(shard, base));
    for (const shard of shards) {
      const known = this.#shards.get(shard);
      if (bases.get(shard) !== (known?.end ?? -1)) throw new Error(`fan-out gave shard ${shard} ${bases.get(shard)}`);
      if (known === undefined) continue;
      known.entries.push({ base: known.end, span: messages, print });
      known.end += messages;
    }
  }

  #mark(shard: number, known: ModelShard): void {
    const kind = this.#below(2) === 0 ? 1 : 200;
    const value = kind === 1 ? known.start + this.#below(10) : this.#below(5);
    const mark = `${kind}:${value}`;
    if (known.marks.has(mark)) {
      this.journal.unmark(shard, kind, value);
      known.marks.delete(mark);
    } else {
      this.journal.mark(shard, kind, value);
      known.marks.add(mark);
    }
  }

  #prune(): void {
    for (const known of this.#shards.values())
      known.entries = known.entries.filter(({ base, span }) => base + span > known.start);
  }

  #nextPrint(): string {
    return String(this.#print++).padStart(8, '0');
  }

  #below(bound: number): number {
    return Math.floor(this.#prng.next() * bound);
  }
}

function printed(batch: Uint8Array, print: string): Uint8Array {
  batch.set(new TextEncoder().encode(print), 61);
  return batch;
}

/** What a journal says it is: everything of every shard, read back. Throws what reading fails with. */
export function pictureOf(journal: Journal, bytesMax = 4096): Picture {
  const picture = new Map<number, ShardPicture>();
  for (const shard of journal.table.shards()) {
    const start = journal.table.start(shard);
    const end = journal.table.end(shard);
    const entries: string[] = [];
    for (let offset = start; offset < end; ) {
      let next = offset;
      readFrames(journal, shard, offset, bytesMax, (error, frames) => {
        if (error !== undefined) throw error;
        for (const entry of entriesOf(frames, shard)) {
          entries.push(`${entry.base}|${entry.span}|${entry.print}`);
          next = entry.base + entry.span;
        }
      });
      if (next <= offset) throw new Error(`shard ${shard}: nothing at ${offset} of ${end}`);
      offset = next;
    }
    const marks = journal.marksOf(shard).map(({ kind, value }) => `${kind}:${value}`);
    picture.set(shard, { start, end, entries, marks: marks.sort() });
  }
  return picture;
}

function entriesOf(frames: Uint8Array, shard: number): { base: number; span: number; print: string }[] {
  const entries: { base: number; span: number; print: string }[] = [];
  const view = viewOf(frames);
  const header = emptyFrameHeader();
  for (let at = 0; at < frames.length; at += header.length) {
    if (!readFrame(frames, view, at, frames.length, header)) throw new Error('a frame that was read is not sound');
    const span = header.lastOffsetDelta + 1;
    const body = at + 64;
    if (header.type === FRAME.data) entries.push({ base: header.baseOffset, span, print: text(frames, body + 61) });
    else
      entries.push({ base: recipientBase(view, body, shard), span, print: text(frames, body + view.getUint32(body + 4, true)) });
  }
  return entries;
}

/** Read by hand, not by the code under test. */
function recipientBase(view: DataView, body: number, shard: number): number {
  let at = body + 8;
  for (let i = view.getUint32(body, true); i > 0; i--) {
    if (view.getUint32(at, true) === shard) return Number(view.getBigUint64(at + 8, true));
    at += (16 + view.getUint16(at + 4, true) + 3) & ~3;
  }
  throw new Error(`shard ${shard} is no recipient`);
}

function text(bytes: Uint8Array, at: number): string {
  return new TextDecoder().decode(bytes.subarray(at, at + 8));
}
