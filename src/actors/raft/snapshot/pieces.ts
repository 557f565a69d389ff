/**
 * A snapshot as a stream of pieces, each a record of the state machine. Neither side ever holds the whole: the reader takes piece after piece from an iterator over
 * a fixed state, the parser gives each out as soon as its last byte is there. Chunks cut the stream anywhere.
 *
 *   stream = (u32 length, length × u8)*
 */
import { RAFT_ENTRY_BYTES_MAX } from '../../../base/limits.ts';
import { MalformedBytes } from '../codec/byte-reader.ts';
import type { SnapshotReader } from '../state-machine.ts';

const PREFIX_BYTES = 4;

/** Pieces that are encoded and not read yet. */
export class PieceQueue {
  #rest: Uint8Array[] = [];
  bytes = 0;

  push(piece: Uint8Array): void {
    const prefix = new Uint8Array(PREFIX_BYTES);
    new DataView(prefix.buffer).setUint32(0, piece.length);
    this.#rest.push(prefix, piece);
    this.bytes += PREFIX_BYTES + piece.length;
  }

  take(bytesMax: number): Uint8Array {
    const chunk = new Uint8Array(Math.min(bytesMax, this.bytes));
    let filled = 0;
    while (filled < chunk.length) {
      const first = this.#rest[0]!;
      const part = first.subarray(0, chunk.length - filled);
      chunk.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#rest.shift();
      else this.#rest[0] = first.subarray(part.length);
    }
    this.bytes -= chunk.length;
    return chunk;
  }

  clear(): void {
    this.#rest = [];
    this.bytes = 0;
  }
}

export class PieceReader implements SnapshotReader {
  readonly #pieces: Iterator<Uint8Array>;
  readonly #queue = new PieceQueue();
  #isDry = false;

  constructor(pieces: Iterator<Uint8Array>) {
    this.#pieces = pieces;
  }

  read(bytesMax: number, done: (bytes: Uint8Array, isLast: boolean) => void): void {
    // One byte more than asked for tells whether these are the last.
    while (!this.#isDry && this.#queue.bytes <= bytesMax) this.#pull();
    const chunk = this.#queue.take(bytesMax);
    done(chunk, this.#isDry && this.#queue.bytes === 0);
  }

  close(): void {
    this.#pieces.return?.();
    this.#queue.clear();
  }

  #pull(): void {
    const next = this.#pieces.next();
    if (next.done === true) this.#isDry = true;
    else this.#queue.push(next.value);
  }
}

export class PieceParser {
  readonly #onPiece: (piece: Uint8Array) => void;
  #pending: Uint8Array = new Uint8Array(0);

  constructor(onPiece: (piece: Uint8Array) => void) {
    this.#onPiece = onPiece;
  }

  write(chunk: Uint8Array): void {
    const bytes = this.#pending.length === 0 ? chunk : concat(this.#pending, chunk);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (bytes.length - at >= PREFIX_BYTES) {
      const length = view.getUint32(at);
      if (length > RAFT_ENTRY_BYTES_MAX) throw new MalformedBytes('piece too large');
      if (bytes.length - at - PREFIX_BYTES < length) break;
      this.#onPiece(bytes.slice(at + PREFIX_BYTES, at + PREFIX_BYTES + length));
      at += PREFIX_BYTES + length;
    }
    this.#pending = bytes.slice(at);
  }

  /** After the last chunk. */
  end(): void {
    if (this.#pending.length > 0) throw new MalformedBytes('ends early');
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Reads all of `reader` into `parser`, in chunks. */
export function pour(reader: SnapshotReader, parser: PieceParser, chunkBytes: number, done: () => void): void {
  reader.read(chunkBytes, (bytes, isLast) => {
    parser.write(bytes);
    if (!isLast) return pour(reader, parser, chunkBytes, done);
    parser.end();
    done();
  });
}
