/**
 * What a compression of records is. It is synchronous; whoever must not block runs it in the pool. Decompression is bounded: the size that comes out is
 * known, or bounded from the structure of what comes in, before memory of that size is allocated.
 */
import { type ErrorCode, SluiceError } from '../../base/errors.ts';

export type CodecName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface Codec {
  /** As the attributes of a batch number it. */
  readonly id: number;
  readonly name: CodecName;
  compress(bytes: Uint8Array): Uint8Array;
  /** Throws SLUICE_BATCH_COMPRESSION for what is not of this codec, SLUICE_BATCH_TOO_LARGE for what would exceed `bytesMax`. */
  decompress(bytes: Uint8Array, bytesMax: number): Uint8Array;
}

export function tooLarge(name: CodecName, bytes: number | undefined, bytesMax: number): SluiceError {
  const size = bytes === undefined ? `more than ${bytesMax}` : `${bytes}`;
  return failure('SLUICE_BATCH_TOO_LARGE', name, `they would take ${size} bytes and may take ${bytesMax}`);
}

export function corrupt(name: CodecName, what: string, cause?: unknown): SluiceError {
  return failure('SLUICE_BATCH_COMPRESSION', name, what, cause);
}

function failure(code: ErrorCode, name: CodecName, what: string, cause?: unknown): SluiceError {
  return new SluiceError(code, `Records compressed by ${name} are refused: ${what}.`, { cause });
}

/** Runs a library on input that may be anything: whatever it throws means that the input is bad. */
export function guarded(name: CodecName, body: () => Uint8Array): Uint8Array {
  try {
    return body();
  } catch (error) {
    throw corrupt(name, error instanceof Error ? error.message : String(error), error);
  }
}
