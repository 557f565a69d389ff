/**
 * Messages of a session on their way to another node: runs as its inbox has them, and beside each what its client gets of it.
 *
 *   page:  version u32 · 0 u32 · (attribute bytes u32 · run bytes u32 · attributes · 0 … (to 8) · run)*      attributes and run of inbox/block.ts, little endian
 */
import { packetTopic } from '../../wire/mqtt/publish-run.ts';
import { attributeBytes, type Grant, readAttributes, readRuns, runBytes, writeAttributes, writeRun } from '../inbox/block.ts';
import type { Run } from '../router/sink.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { Outgoing } from '../session/outgoing.ts';

const VERSION = 1;
const PAGE_HEADER_BYTES = 8;
const HEADER_BYTES = 8;

export function encodePage(runs: readonly Outgoing[]): Uint8Array {
  const grants = runs.map(grantOf);
  const size = runs.reduce(
    (sum, run, i) => sum + HEADER_BYTES + padded(attributeBytes(grants[i]!)) + runBytes(run),
    PAGE_HEADER_BYTES,
  );
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, VERSION, true);
  let at = PAGE_HEADER_BYTES;
  for (const [i, run] of runs.entries()) {
    const attributes = attributeBytes(grants[i]!);
    view.setUint32(at, attributes, true);
    view.setUint32(at + 4, runBytes(run), true);
    writeAttributes(view, at + HEADER_BYTES, grants[i]!);
    at = writeRun(bytes, view, at + HEADER_BYTES + padded(attributes), run as unknown as Run);
  }
  return bytes;
}

/** Undefined: no page, one of another version, or not a whole one. The bytes are lent to the result. */
export function decodePage(bytes: Uint8Array): Outgoing[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < PAGE_HEADER_BYTES || view.getUint32(0, true) !== VERSION) return undefined;
  const runs: Outgoing[] = [];
  for (let at = PAGE_HEADER_BYTES; at < bytes.length; ) {
    if (bytes.length - at < HEADER_BYTES) return undefined;
    const start = at + HEADER_BYTES + padded(view.getUint32(at, true));
    const end = start + view.getUint32(at + 4, true);
    if (end > bytes.length || end <= start) return undefined;
    readRuns(bytes, view, start, end, readAttributes(view, at + HEADER_BYTES), runs);
    at = end;
  }
  return runs;
}

/** So that the inbox that takes the run gives it to the client as the one that it comes from. */
export function grantOf({ qos, retain, subscriptionIds, share }: Outgoing): Grant {
  return { qos, retainAsPublished: retain, subscriptionIds, share };
}

/** Undefined: its topic is none. */
export function runOf(topics: TopicTable, outgoing: Outgoing): Run | undefined {
  const { dialect, qos, retain, buffer, start, end, count, expiresAt } = outgoing;
  const name = packetTopic(buffer, start);
  const topic = topics.intern(buffer, name.start, name.end);
  return topic && { topic, publisher: null, dialect, qos, retain, count, buffer, start, end, expiresAt };
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}
