/** A will as the run of one that it is published as. */
import { DIALECT_5 } from '../../wire/mqtt/constants.ts';
import type { Will } from '../../wire/mqtt/packets.ts';
import { emptyPublishParts, publishHeader, publishSize, writePublish } from '../../wire/mqtt/publish-encoder.ts';
import { emptyPublishProperties, readPublishProperties } from '../../wire/mqtt/publish-properties.ts';
import type { Run } from '../router/sink.ts';
import type { TopicTable } from '../router/topic-table.ts';

/** Undefined when the topic is not a valid name, which CONNECT has checked. */
export function willRun(will: Will, topics: TopicTable, wallClock: number): Run | undefined {
  const topic = topics.internName(will.topic);
  if (topic === undefined) return undefined;
  const parts = emptyPublishParts();
  parts.topic = topic.bytes;
  parts.topicEnd = topic.bytes.length;
  parts.properties = will.properties;
  parts.propertiesEnd = will.properties.length;
  parts.payload = will.payload;
  parts.payloadEnd = will.payload.length;
  const buffer = new Uint8Array(publishSize(DIALECT_5, will.qos, parts, null));
  const packetId = will.qos === 0 ? 0 : 1; // stands for any: each receiver gets one of its own
  writePublish(buffer, 0, DIALECT_5, publishHeader(will.qos, will.retain, false), packetId, parts, null);
  const properties = emptyPublishProperties();
  readPublishProperties(will.properties, 0, will.properties.length, properties);
  return {
    topic,
    publisher: null,
    dialect: DIALECT_5,
    qos: will.qos,
    retain: will.retain,
    count: 1,
    buffer,
    start: 0,
    end: buffer.length,
    expiresAt: properties.expiryOffset < 0 ? 0 : wallClock + properties.expirySeconds * 1000,
  };
}
