import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePublish } from '../../../src/wire/mqtt/client-encoder.ts';
import { frameLength } from '../../../src/wire/mqtt/frame.ts';
import { emptyPublishParts, publishHeader, publishSize, writePublish } from '../../../src/wire/mqtt/publish-encoder.ts';
import { emptyPublishProperties, readPublishProperties } from '../../../src/wire/mqtt/publish-properties.ts';
import { newPublishView, readPublish } from '../../../src/wire/mqtt/publish-run.ts';
import * as any from './arbitraries.ts';

const test = suite('PUBLISH encoder');

/** Payloads on both sides of the sizes where the remaining length and the way of copying change. */
const payload = fc.oneof(
  any.bytes,
  fc.integer({ min: 100, max: 20_000 }).map((n) => new Uint8Array(n).fill(n)),
);
const subscriptionIds = fc.option(fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 4 }), {
  nil: null,
});
const publish = fc.record({
  dialect: any.dialect,
  qos: any.qos,
  retain: fc.boolean(),
  dup: fc.boolean(),
  packetId: any.packetId,
  topic: any.topicName,
  properties: any.publishProperties,
  subscriptionIds,
  payload,
  at: fc.nat({ max: 9 }),
});

test('writes what mqtt-packet writes, byte for byte, in the size announced', () => {
  fc.assert(
    fc.property(publish, (p) => {
      const parts = emptyPublishParts();
      // Each part stands somewhere inside a buffer of its own.
      parts.topic = Buffer.from(`<${p.topic}>`);
      parts.topicStart = 1;
      parts.topicEnd = parts.topic.length - 1;
      parts.properties = Uint8Array.of(9, 9, ...p.properties.raw, 9);
      parts.propertiesStart = 2;
      parts.propertiesEnd = parts.properties.length - 1;
      parts.payload = Uint8Array.of(9, ...p.payload, 9, 9);
      parts.payloadStart = 1;
      parts.payloadEnd = parts.payload.length - 2;
      const dup = p.dup && p.qos > 0;
      const oracle = any.oracleEncode(p.dialect ? 5 : 4, {
        cmd: 'publish',
        topic: p.topic,
        payload: Buffer.from(p.payload),
        qos: p.qos,
        retain: p.retain,
        dup,
        messageId: p.packetId,
        properties: { ...p.properties.oracle, ...(p.subscriptionIds && { subscriptionIdentifier: p.subscriptionIds }) },
      });
      const size = publishSize(p.dialect, p.qos, parts, p.subscriptionIds);
      const out = new Uint8Array(p.at + size + 3).fill(0xee);
      const header = publishHeader(p.qos, p.retain, dup);
      const end = writePublish(out, p.at, p.dialect, header, p.packetId, parts, p.subscriptionIds);
      assert.is(end - p.at, size);
      assert.ok(oracle.equals(out.subarray(p.at, end)), 'bytes differ from the oracle');
      assert.ok(out.subarray(0, p.at).every((b) => b === 0xee) && out.subarray(end).every((b) => b === 0xee));
      assert.is(frameLength(out, p.at, end), size);
    }),
    { numRuns: 1500 },
  );
});

test('leaves the topic alias out and replaces the expiry, and nothing else changes', () => {
  fc.assert(
    fc.property(
      any.publishProperties,
      any.topicName,
      payload,
      fc.integer({ min: 0, max: 0xffff_ffff }),
      ({ raw, oracle }, topic, body, left) => {
        const seen = emptyPublishProperties();
        const parts = emptyPublishParts();
        parts.topic = Buffer.from(topic);
        parts.topicEnd = parts.topic.length;
        parts.properties = Uint8Array.of(1, 1, 1, ...raw);
        parts.propertiesStart = 3;
        parts.propertiesEnd = 3 + raw.length;
        parts.payload = body;
        parts.payloadEnd = body.length;
        readPublishProperties(parts.properties, 3, 3 + raw.length, seen);
        parts.aliasOffset = seen.aliasOffset;
        parts.expiryOffset = seen.expiryOffset;
        parts.expirySeconds = left;
        const out = new Uint8Array(publishSize(1, 1, parts, [3]));
        assert.is(writePublish(out, 0, 1, publishHeader(1, false, false), 77, parts, [3]), out.length);
        const { topicAlias: _, ...kept } = oracle;
        if ('messageExpiryInterval' in kept) kept.messageExpiryInterval = left;
        const properties = { ...kept, subscriptionIdentifier: 3 };
        const expected = any.oracleEncode(5, {
          cmd: 'publish',
          topic,
          payload: Buffer.from(body),
          qos: 1,
          messageId: 77,
          properties,
        });
        assert.ok(expected.equals(out));
      },
    ),
    { numRuns: 1500 },
  );
});

test('what is written is read back by the reader of the read path and by mqtt-packet', () => {
  fc.assert(
    fc.property(publish, (p) => {
      const packet = encodePublish(p.dialect, { ...p, dup: p.dup && p.qos > 0, properties: p.properties.raw });
      const view = newPublishView();
      assert.ok(readPublish(packet, 0, packet.length, p.dialect, view));
      const text = Buffer.from(packet);
      assert.is(text.toString('utf8', view.topicStart, view.topicEnd), p.topic);
      assert.is(view.packetId, p.qos === 0 ? 0 : p.packetId);
      assert.equal([...packet.subarray(view.payloadStart, view.end)], [...p.payload]);
      assert.equal([...packet.subarray(view.propertiesStart, view.propertiesEnd)], p.dialect ? [...p.properties.raw] : []);
      const decoded = any.oracleDecode(p.dialect ? 5 : 4, packet) as Record<string, unknown>;
      assert.equal([decoded.topic, decoded.qos, decoded.retain], [p.topic, p.qos, p.retain]);
      assert.ok(Buffer.from(p.payload).equals(decoded.payload as Buffer));
    }),
    { numRuns: 500 },
  );
});

test('every PUBLISH that mqtt-packet writes is read by the reader of the read path', () => {
  fc.assert(
    fc.property(publish, (p) => {
      const version = p.dialect ? 5 : 4;
      const options = { qos: p.qos, retain: p.retain, messageId: p.packetId, properties: p.properties.oracle };
      const packet = any.oracleEncode(version, { cmd: 'publish', topic: p.topic, payload: Buffer.from(p.payload), ...options });
      const view = newPublishView();
      assert.ok(readPublish(packet, 0, packet.length, p.dialect, view));
      assert.is(packet.toString('utf8', view.topicStart, view.topicEnd), p.topic);
      assert.ok(packet.subarray(view.payloadStart, view.end).equals(p.payload));
      const seen = emptyPublishProperties();
      readPublishProperties(packet, view.propertiesStart, view.propertiesEnd, seen);
      assert.is(seen.alias, p.dialect ? p.properties.alias : 0);
    }),
    { numRuns: 500 },
  );
});

test.run();
