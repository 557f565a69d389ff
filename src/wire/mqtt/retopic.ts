/** A run of PUBLISH packets with another topic. */
import { assert } from '../../base/assert.ts';
import type { Dialect, Qos } from './constants.ts';
import { emptyPublishParts, publishSize, writePublish } from './publish-encoder.ts';
import { newPublishView, packetEnd, readPublish } from './publish-run.ts';

/** The packets of `buffer[start, end)`, each as it is but for its topic, in memory of their own. */
export function retopic(buffer: Uint8Array, start: number, end: number, dialect: Dialect, topic: Uint8Array): Uint8Array {
  const view = newPublishView();
  const parts = emptyPublishParts();
  parts.topic = topic;
  parts.topicEnd = topic.length;
  parts.properties = buffer;
  parts.payload = buffer;
  const read = (at: number, next: number): Qos => {
    assert(readPublish(buffer, at, next, dialect, view), 'a run holds well-formed packets only');
    parts.propertiesStart = view.propertiesStart;
    parts.propertiesEnd = view.propertiesEnd;
    parts.payloadStart = view.payloadStart;
    parts.payloadEnd = next;
    return ((view.header >> 1) & 3) as Qos;
  };
  let size = 0;
  for (let at = start; at < end; ) {
    const next = packetEnd(buffer, at);
    size += publishSize(dialect, read(at, next), parts, null);
    at = next;
  }
  const out = new Uint8Array(size);
  let to = 0;
  for (let at = start; at < end; ) {
    const next = packetEnd(buffer, at);
    read(at, next);
    to = writePublish(out, to, dialect, view.header, view.packetId, parts, null);
    at = next;
  }
  return out;
}
