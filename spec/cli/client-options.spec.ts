import type { IPublishPacket } from 'mqtt';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { changesOf } from '../../src/nodes/cli/bench.ts';
import { brokerUrl, mqttOptions } from '../../src/nodes/cli/client-options.ts';
import { messageLine } from '../../src/nodes/cli/sub.ts';

const base = { host: '127.0.0.1', port: 1883, protocolVersion: 5, keepalive: 60 } as const;
const packet = { cmd: 'publish', qos: 1, dup: false, retain: true, topic: 'a', payload: '' } as IPublishPacket;

const test = suite('client options');

test('the address, the dialect and the credentials reach the client', () => {
  assert.is(brokerUrl(base), 'mqtt://127.0.0.1:1883');
  assert.is(brokerUrl({ host: '::1', port: 1 }), 'mqtt://[::1]:1');
  assert.equal([mqttOptions(base).protocolId, mqttOptions(base).protocolVersion], ['MQTT', 5]);
  assert.is(mqttOptions({ ...base, protocolVersion: 3 }).protocolId, 'MQIsdp');
  assert.is('username' in mqttOptions(base), false);
  const named = mqttOptions({ ...base, id: 'me', username: 'u', pw: 'p' }, { clean: false });
  assert.equal([named.clientId, named.username, named.password, named.clean, named.reconnectPeriod], ['me', 'u', 'p', false, 0]);
  assert.match(mqttOptions(base).clientId ?? '', /^sluice-[0-9a-f]{12}$/);
});

test('a message is a line: its payload, its topic before it, or JSON with base64 for what is no text', () => {
  const payload = Buffer.from('21 °C');
  assert.is(messageLine('a', payload, packet, {}).toString(), '21 °C\n');
  assert.is(messageLine('a', payload, packet, { verbose: true }).toString(), 'a 21 °C\n');
  assert.equal(JSON.parse(messageLine('a', payload, packet, { json: true }).toString()), {
    topic: 'a',
    payload: '21 °C',
    qos: 1,
    retain: true,
    dup: false,
  });
  const binary = JSON.parse(messageLine('a', Buffer.from([0xff, 0]), packet, { json: true }).toString());
  assert.equal([binary.payloadBase64, binary.payload], ['/wA=', undefined]);
  assert.ok(messageLine('a', Buffer.from([0xff, 0]), packet, {}).equals(Buffer.from([0xff, 0, 10])));
});

test('only the options that were given change a scenario', () => {
  assert.equal(changesOf({}), {});
  assert.equal(changesOf({ seconds: 1, payload: 0, mqtt: 5, block: 512 }), {
    seconds: 1,
    payloadBytes: 0,
    level: 5,
    blockBytes: 512,
  });
  assert.throws(() => changesOf({ mqtt: 3 }), /311 or 5/);
});

test.run();
