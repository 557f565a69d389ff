/** The two ends of a segment file, which tell what it is without reading what lies between. */
import type { Disk } from './disk.ts';
import {
  decodeSegmentHeader,
  decodeSegmentTrailer,
  SEGMENT_HEADER_BYTES,
  SEGMENT_TRAILER_BYTES,
  type SegmentHeader,
  type SegmentTrailer,
} from './segment-file.ts';

export interface SegmentEnds {
  readonly size: number;
  /** Undefined: damaged. */
  readonly header: SegmentHeader | undefined;
  /** Undefined: not sealed, or damaged, or what an earlier use of the file has left. */
  readonly trailer: SegmentTrailer | undefined;
}

export function readSegmentEnds(disk: Disk, path: string): SegmentEnds {
  const file = disk.open(path, 'read');
  try {
    const size = disk.size(file);
    const page = new Uint8Array(SEGMENT_HEADER_BYTES);
    const header = disk.read(file, page, 0, page.length, 0) === page.length ? decodeSegmentHeader(page) : undefined;
    const end = new Uint8Array(SEGMENT_TRAILER_BYTES);
    const at = size - end.length;
    const hasTrailer = at >= SEGMENT_HEADER_BYTES && disk.read(file, end, 0, end.length, at) === end.length;
    const trailer = hasTrailer ? decodeSegmentTrailer(end) : undefined;
    const isOurs = header === undefined || trailer?.generation === header.generation;
    return { size, header, trailer: isOurs ? trailer : undefined };
  } finally {
    disk.close(file);
  }
}
