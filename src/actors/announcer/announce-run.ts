/** A message of the server's own as the run of one that it is published as. */

import { encodePublish } from '../../wire/mqtt/client-encoder.ts';
import { DIALECT_3 } from '../../wire/mqtt/constants.ts';
import type { Run } from '../router/sink.ts';
import type { TopicTable } from '../router/topic-table.ts';
import type { Announcement } from './messages.ts';

/** Undefined when the topic is no valid name. */
export function announceRun(
  { topic: name, payload, qos = 0, retain = false }: Announcement,
  topics: TopicTable,
): Run | undefined {
  const topic = topics.internName(name);
  if (topic === undefined) return undefined;
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  // The packet id stands for any: each receiver gets one of its own.
  const buffer = encodePublish(DIALECT_3, { topic: name, payload: bytes, qos, retain, packetId: 1 });
  return {
    topic,
    publisher: null,
    dialect: DIALECT_3,
    qos,
    retain,
    count: 1,
    buffer,
    start: 0,
    end: buffer.length,
    expiresAt: 0,
  };
}
