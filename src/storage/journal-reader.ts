/**
 * Reads frames of a shard back: young ones from memory at once, others from their files without blocking, neighbours in one piece. Every frame is checked
 * before it is handed out, so what the disk has changed is an error and never data.
 */
import { assert } from '../base/assert.ts';
import { SluiceError } from '../base/errors.ts';
import { READ_GAP_BYTES_MAX } from '../base/limits.ts';
import type { EngineError, ShardId } from './engine.ts';
import { emptyFrameHeader, readFrame, viewOf } from './frame.ts';
import type { Journal } from './journal.ts';
import { type Place, placesOf } from './places.ts';

/** Whole frames, one after the other, in memory of their own. */
export type FramesRead = (error: EngineError, frames: Uint8Array) => void;

/** Places of one file that are read at once. */
interface Piece {
  readonly segment: number;
  readonly from: number;
  to: number;
  readonly places: Place[];
}

const NOTHING = new Uint8Array(0);

/** Frames of `shard` from the one that holds `offset` on: at most `bytesMax` bytes, at least one frame; none at the end. `then` may be called at once. */
export function readFrames(journal: Journal, shard: ShardId, offset: number, bytesMax: number, then: FramesRead): void {
  const { table } = journal;
  if (!table.has(shard)) {
    return then(new SluiceError('SLUICE_STORAGE_UNKNOWN_SHARD', `there is no shard ${shard}`), NOTHING);
  }
  const start = table.start(shard);
  if (offset < start || offset > table.end(shard)) {
    const range = `${start} to ${table.end(shard)}`;
    return then(new SluiceError('SLUICE_STORAGE_OFFSET_OUT_OF_RANGE', `shard ${shard} has ${range}, not ${offset}`), NOTHING);
  }
  const places = placesOf(journal, shard, offset, bytesMax);
  if (places.length === 0) return then(undefined, NOTHING);
  new FrameRead(journal, shard, places, then).next();
}

class FrameRead {
  readonly #journal: Journal;
  readonly #shard: ShardId;
  readonly #pieces: Piece[];
  readonly #segments: ReadonlySet<number>;
  readonly #then: FramesRead;
  readonly #out: Uint8Array;
  #length = 0;

  constructor(journal: Journal, shard: ShardId, places: readonly Place[], then: FramesRead) {
    this.#journal = journal;
    this.#shard = shard;
    this.#pieces = piecesOf(places);
    this.#segments = new Set(places.map(({ segment }) => segment));
    for (const segment of this.#segments) journal.pins.add(segment);
    this.#then = then;
    this.#out = new Uint8Array(places.reduce((bytes, { length }) => bytes + length, 0));
  }

  next(): void {
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      if (!this.#fromMemory(piece)) return this.#fromFile(piece);
      this.#pieces.shift();
    }
    this.#check();
  }

  #fromMemory({ segment, places }: Piece): boolean {
    const chunks = places.map(({ position }) => this.#journal.tail.find(segment, position));
    if (chunks.includes(undefined)) return false;
    for (const [i, { position, length }] of places.entries()) {
      const { bytes, base } = chunks[i]!;
      this.#take(bytes, position - base, length);
    }
    return true;
  }

  #fromFile(piece: Piece): void {
    const { segment, from, to, places } = piece;
    const { files, options, active } = this.#journal;
    const path =
      segment === active.number ? active.path : this.#journal.sealed.find(({ info }) => info.number === segment)?.info.path;
    if (path === undefined) return this.#fail(`its segment ${segment} is gone`);
    const bytes = new Uint8Array(to - from);
    let file: number;
    try {
      file = files.hold(path);
    } catch (error) {
      return this.#fail(error instanceof Error ? error.message : String(error));
    }
    options.disk.readLater(file, bytes, 0, bytes.length, from, (error, read) => {
      files.release(path);
      if (error !== undefined) return this.#fail(error.message);
      if (read < bytes.length) return this.#fail('its file ends before it');
      for (const { position, length } of places) this.#take(bytes, position - from, length);
      this.#pieces.shift();
      this.next();
    });
  }

  #take(bytes: Uint8Array, at: number, length: number): void {
    this.#out.set(bytes.subarray(at, at + length), this.#length);
    this.#length += length;
  }

  #check(): void {
    const view = viewOf(this.#out);
    const header = emptyFrameHeader();
    for (let at = 0; at < this.#length; at += header.length) {
      if (!readFrame(this.#out, view, at, this.#length, header))
        return this.#fail(`the frame ${at} bytes behind the first one is damaged`);
    }
    assert(this.#length === this.#out.length, 'all places were read');
    this.#end();
    this.#then(undefined, this.#out);
  }

  #end(): void {
    for (const segment of this.#segments) this.#journal.pins.remove(segment);
  }

  #fail(why: string): void {
    this.#end();
    const { directory } = this.#journal.options;
    const message = `shard ${this.#shard} of the log in ${directory} cannot be read: ${why}`;
    this.#then(new SluiceError('SLUICE_STORAGE_CORRUPT', message), NOTHING);
  }
}

function piecesOf(places: readonly Place[]): Piece[] {
  const pieces: Piece[] = [];
  for (const place of places) {
    const { segment, position, length } = place;
    const last = pieces.at(-1);
    if (last !== undefined && last.segment === segment && position >= last.to && position - last.to <= READ_GAP_BYTES_MAX) {
      last.to = position + length;
      last.places.push(place);
    } else {
      pieces.push({ segment, from: position, to: position + length, places: [place] });
    }
  }
  return pieces;
}
