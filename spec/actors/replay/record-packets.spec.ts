/** Records of all kinds as PUBLISH packets that mqtt-packet reads: what MQTT clients have published comes back as it was, and what MQTT cannot carry is left out. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecordPackets } from '../../../src/actors/replay/record-packets.ts';
import { propertiesToHeaders } from '../../../src/actors/shard/mqtt-record.ts';
import { setBaseOffset } from '../../../src/storage/record-batch.ts';
import { RecordBatchBuilder } from '../../../src/storage/record-batch-builder.ts';
import { RecordHeaders } from '../../../src/storage/record-headers.ts';
import { newPublishView, packetEnd, readPublish } from '../../../src/wire/mqtt/publish-run.ts';
import { bytes, mqttString, oracleDecode, oracleEncode, topicName, userPairs } from '../../wire/mqtt/arbitraries.ts';

const test = suite('records as packets');
const encoder = new TextEncoder();

interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly properties: object;
}

const message: fc.Arbitrary<Message> = fc.record({
  topic: topicName.filter((topic) => !topic.startsWith('$')),
  payload: bytes,
  properties: fc.record(
    {
      payloadFormatIndicator: fc.boolean(),
      contentType: mqttString,
      responseTopic: topicName,
      correlationData: fc.uint8Array({ maxLength: 8 }).map((some) => Buffer.from(some)),
      userProperties: userPairs,
    },
    { requiredKeys: [] },
  ),
});

/** A batch as a publisher's reactor writes it. */
function batchOf(messages: readonly Message[], baseOffset: number): Uint8Array {
  const builder = new RecordBatchBuilder();
  const headers = new RecordHeaders();
  const view = newPublishView();
  for (const { topic, payload, properties } of messages) {
    const packet = Uint8Array.from(oracleEncode(5, { cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, properties }));
    assert.ok(readPublish(packet, 0, packet.length, 1, view));
    propertiesToHeaders(packet, view.propertiesStart, view.propertiesEnd, headers);
    const key = encoder.encode(topic);
    builder.append(1000, key, 0, key.length, packet, view.payloadStart, view.end, headers);
  }
  builder.seal();
  const batch = builder.bytes.slice(0, builder.end);
  setBaseOffset(batch, 0, baseOffset);
  return Uint8Array.from(batch);
}

function packetsOf(packets: RecordPackets, batches: Uint8Array, partition: number, from: number): Record<string, unknown>[] {
  return packets.read(batches, partition, from).runs.flatMap(({ outgoing, offsets, topic }) => {
    const found: Record<string, unknown>[] = [];
    for (let at = outgoing.start; at < outgoing.end; at = packetEnd(outgoing.buffer, at)) {
      const packet = oracleDecode(5, outgoing.buffer.subarray(at, packetEnd(outgoing.buffer, at)));
      assert.ok(!(packet instanceof Error), String(packet));
      assert.is(packet.topic, topic);
      found.push(packet);
    }
    assert.is(found.length, offsets.length);
    assert.is(found.length, outgoing.count);
    return found;
  });
}

test('what was published comes back, with the place of its record', () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 12 }),
      fc.nat(1e6),
      fc.constantFrom(0 as const, 1 as const, 2 as const),
      (messages, base, qos) => {
        const packets = packetsOf(
          new RecordPackets({ filter: '#', qos, subscriptionIds: null }),
          batchOf(messages, base),
          3,
          base,
        );
        assert.is(packets.length, messages.length);
        for (const [i, packet] of packets.entries()) {
          const { topic, payload, properties } = messages[i]!;
          const sent = oracleDecode(
            5,
            oracleEncode(5, { cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, properties }),
          );
          assert.ok(!(sent instanceof Error));
          const { userProperties, ...rest } = packet.properties as { userProperties: Record<string, unknown> };
          const { userProperties: own = {}, ...others } = (sent.properties ?? {}) as { userProperties?: object };
          assert.is(packet.topic, topic);
          assert.is(packet.qos, qos);
          assert.ok(Buffer.from(payload).equals(packet.payload as Buffer));
          assert.equal(rest, others);
          assert.is([userProperties['sluice-offset']].flat().at(-1), String(base + i));
          assert.is([userProperties['sluice-partition']].flat().at(-1), '3');
          assert.ok(Object.keys(own).every((name) => name in userProperties));
        }
      },
    ),
  );
});

test('records of others: no key, a key that is no topic, no value, headers that are no text', () => {
  const builder = new RecordBatchBuilder();
  const append = (key: string | undefined, value: string | undefined, some: [string, Uint8Array | undefined][] = []): void => {
    const headers = new RecordHeaders();
    for (const [name, header] of some) headers.add(encoder.encode(name), header);
    const [k, v] = [key, value].map((text) => (text === undefined ? undefined : encoder.encode(text)));
    builder.append(5000, k, 0, k?.length ?? 0, v, 0, v?.length ?? 0, headers);
  };
  append(undefined, 'nobody');
  append('a/+', 'wildcard');
  append('$SYS/a', 'not for #');
  append('a', undefined);
  append('b', 'x', [['text', encoder.encode('ja')], ['binary', Uint8Array.of(0xff)], ['null', undefined]]); // biome-ignore format: one line
  append('b', 'y', [['mqtt.payload-format', Uint8Array.of(7)], ['mqtt.expiry-seconds', Uint8Array.of(1)], ['mqtt.content-type', encoder.encode('t')], ['mqtt.content-type', encoder.encode('u')]]); // biome-ignore format: one line
  builder.seal();
  const read = packetsOf(
    new RecordPackets({ filter: '#', qos: 0, subscriptionIds: null }),
    Uint8Array.from(builder.bytes.subarray(0, builder.end)),
    0,
    0,
  );
  assert.equal(
    read.map(({ topic, payload, properties }) => [
      topic,
      String(payload),
      { ...(properties as { userProperties: object }).userProperties },
    ]),
    [
      ['a', '', { 'sluice-offset': '3', 'sluice-partition': '0' }],
      ['b', 'x', { text: 'ja', null: '', 'sluice-offset': '4', 'sluice-partition': '0' }],
      [
        'b',
        'y',
        {
          'mqtt.payload-format': '\u0007',
          'mqtt.expiry-seconds': '\u0001',
          'mqtt.content-type': 'u',
          'sluice-offset': '5',
          'sluice-partition': '0',
        },
      ],
    ],
  );
  assert.is((read[2]!.properties as { contentType: string }).contentType, 't');
});

test('records before the place or the time that was asked for are passed over, also those in the middle of a batch', () => {
  const first = batchOf(
    [0, 1, 2].map((i) => ({ topic: `t/${i}`, payload: Uint8Array.of(i), properties: {} })),
    10,
  );
  const second = batchOf(
    [3, 4].map((i) => ({ topic: `t/${i}`, payload: Uint8Array.of(i), properties: {} })),
    13,
  );
  const both = Uint8Array.from(Buffer.concat([first, second]));
  const packets = new RecordPackets({ filter: 't/#', qos: 1, subscriptionIds: null });
  assert.equal(packets.read(both, 0, 12).runs.flatMap(({ offsets }) => offsets), [12, 13, 14]); // biome-ignore format: one line
  assert.is(packets.read(both, 0, 12).next, 15);
  assert.equal(packets.read(both, 0, 10, 2000).runs, []);
  assert.equal(new RecordPackets({ filter: 'u', qos: 1, subscriptionIds: null }).read(both, 0, 10), { runs: [], next: 15 });
});

test.run();
