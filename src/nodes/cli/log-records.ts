/** The records of a frame as people read them: text where it is text, bytes in hex where not, long values cut. */
import type { ScannedFrame } from '../../storage/check/segment-scan.ts';
import { FRAME, FRAME_HEADER_BYTES } from '../../storage/frame.ts';
import { codecOf } from '../../storage/record-batch.ts';
import { checkBatch } from '../../storage/record-batch-check.ts';
import { RecordCursor } from '../../storage/record-cursor.ts';

export interface ShownRecord {
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly valueBytes: number;
  readonly headers: Readonly<Record<string, string | null>>;
}

const BYTES_SHOWN = 96;
const text = new TextDecoder('utf-8', { fatal: true });

/** Empty for frames without records, and for batches that are compressed. */
export function recordsOf({ bytes, at, header }: ScannedFrame): ShownRecord[] {
  const body = at + FRAME_HEADER_BYTES;
  if (header.type !== FRAME.data) return [];
  checkBatch(bytes, body, at + header.length);
  if (codecOf(bytes, body) !== 0) return [];
  const cursor = new RecordCursor().open(bytes, body);
  const records: ShownRecord[] = [];
  while (cursor.next()) {
    const { offset, timestamp, keyStart, keyEnd, valueStart, valueEnd } = cursor;
    const headers: Record<string, string | null> = {};
    while (cursor.nextHeader()) {
      const name = shown(bytes, cursor.headerKeyStart, cursor.headerKeyEnd) ?? '';
      headers[name] = shown(bytes, cursor.headerValueStart, cursor.headerValueEnd);
    }
    const key = shown(bytes, keyStart, keyEnd);
    const value = shown(bytes, valueStart, valueEnd);
    records.push({ offset, timestamp, key, value, valueBytes: valueStart < 0 ? 0 : valueEnd - valueStart, headers });
  }
  return records;
}

/** Null for what is null. */
function shown(bytes: Uint8Array, start: number, end: number): string | null {
  if (start < 0) return null;
  const part = bytes.subarray(start, Math.min(end, start + BYTES_SHOWN));
  const more = end - start > BYTES_SHOWN ? '…' : '';
  // A character that the cut has split does not make text into bytes.
  for (let cut = 0; cut < 4 && (cut === 0 || more !== ''); cut++) {
    try {
      const decoded = text.decode(part.subarray(0, part.length - cut));
      if (!hasControls(decoded)) return `${decoded}${more}`;
    } catch {}
  }
  return `0x${Buffer.from(part).toString('hex')}${more}`;
}

function hasControls(decoded: string): boolean {
  for (const character of decoded) if (character < ' ' && !'\t\n\r'.includes(character)) return true;
  return false;
}
