// Payloads that have to keep to a schema: what is refused and how, in runs with what is good, by hot reload, and what a node does that has no schemas.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avro from 'avsc';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isCoded, type SluiceError } from '../../src/base/errors.ts';
import { loadConfig } from '../../src/nodes/config/load.ts';
import { readPayloadSchemas } from '../../src/nodes/extensions/payload-schemas.ts';
import { exitCodeOf } from '../../src/nodes/node-process.ts';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { Broker } from './broker.ts';
import { pubrel, RawClient } from './raw-client.ts';
import { until } from './until.ts';

const INVALID = 0x99;

const test = suite('payload schemas of a node');
const folder = mkdtempSync(join(tmpdir(), 'sluice-schemas-'));
test.after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const number = file('number.json', '{"type":"number","maximum":100}');
const avsc = file('reading.avsc', '{"type":"record","name":"Reading","fields":[{"name":"celsius","type":"double"}]}');
const proto = file('reading.proto', 'syntax = "proto3";\nmessage Reading { double celsius = 1; }\n');
const checked = (broker: Broker, result: string): Promise<number> =>
  broker.metric(`sluice_payload_checked_total{result="${result}"}`);

test('what does not keep to its schema reaches nobody, and its publisher hears why', async () => {
  const tables = [
    `{filter="strict/#",type="json",file="${number}",action="disconnect"}`,
    `{filter="json/#",type="json",file="${number}",payload_bytes_max=20}`,
    `{filter="avro/#",type="avro",file="${avsc}"}`,
    `{filter="proto/#",type="protobuf",file="${proto}",message="Reading"}`,
  ];
  const broker = await Broker.start({
    'storage.enabled': 'false',
    'mqtt.payload_schemas': `[${tables.join(',')}]`,
    'mqtt.rewrite.publish': '["old/# ^old/(.+)$ json/$1","mine/# ^mine/(.+)$ json/%c/$1"]',
  });
  try {
    const subscriber = await broker.connect();
    await subscriber.subscribe('#', { qos: 2 });
    const next = async (): Promise<string> => {
      const { topic, payload } = await subscriber.nextPublish();
      return `${topic} ${payload}`;
    };
    const client = await broker.connect({ clientId: 'me' });
    // A burst in one write: the good ones of it come, in order, and each of the others is answered for itself.
    const payloads = ['1', 'x', '"x"', '2', '101', '3', '4', `5${' '.repeat(30)}`, '6'];
    client.send(...payloads.map((payload, i) => client.encodePublish('json/a', payload, { qos: 1, packetId: i + 1 })));
    const reasons = new Map<number, number>();
    for (const _ of payloads) {
      const { messageId, reasonCode } = (await client.next('puback')) as { messageId: number; reasonCode?: number };
      reasons.set(messageId, reasonCode ?? 0);
    }
    assert.equal(
      [...reasons],
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) => [id, [2, 3, 5, 8].includes(id) ? INVALID : 0]),
    );
    for (const good of ['1', '2', '3', '4', '6']) assert.is(await next(), `json/a ${good}`);
    assert.equal([await checked(broker, 'good'), await checked(broker, 'bad'), await checked(broker, 'large')], [5, 3, 1]);

    client.publish('json/a', '{', { qos: 2, packetId: 20 });
    assert.is(((await client.next('pubrec')) as { reasonCode?: number }).reasonCode, INVALID);
    client.publish('json/a', '7', { qos: 2, packetId: 20 });
    await client.next('pubrec');
    client.send(pubrel(20));
    await client.next('pubcomp');
    assert.is(await next(), 'json/a 7');
    client.publish('json/a', '{');
    client.publish('json/a', '8');
    assert.is(await next(), 'json/a 8', 'at QoS 0 the bad one is gone without a word');

    // It is about the topic that others see, and a delayed message is looked at when it comes.
    for (const topic of ['old/a', 'mine/a', '$delayed/1/json/a']) {
      client.publish(topic, 'bad', { qos: 1, packetId: 30 });
      assert.is(((await client.next('puback')) as { reasonCode?: number }).reasonCode, INVALID, topic);
    }
    client.publish('mine/a', '9', { qos: 1, packetId: 31 });
    await client.next('puback');
    assert.is(await next(), 'json/me/a 9');

    const type = avro.Type.forSchema({ type: 'record', name: 'Reading', fields: [{ name: 'celsius', type: 'double' }] });
    client.publish('avro/a', type.toBuffer({ celsius: 1 }), { qos: 1, packetId: 40 });
    client.publish('avro/a', '{"celsius":1}', { qos: 1, packetId: 41 });
    client.publish('proto/a', Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f), { qos: 1, packetId: 42 });
    client.publish('proto/a', Uint8Array.of(9, 0, 0), { qos: 1, packetId: 43 });
    const answers: unknown[] = [];
    for (let i = 0; i < 4; i++) answers.push(((await client.next('puback')) as { reasonCode?: number }).reasonCode ?? 0);
    assert.equal(answers, [0, INVALID, 0, INVALID]);
    assert.is((await subscriber.nextPublish()).topic, 'avro/a');
    assert.is((await subscriber.nextPublish()).topic, 'proto/a');

    // A will is a message like any other.
    const dying = await broker.connect({
      will: { topic: 'json/will', payload: Buffer.from('bad'), qos: 0, retain: false } as never,
    });
    const before = await checked(broker, 'bad');
    dying.destroy();
    await until('the will is refused', async () => (await checked(broker, 'bad')) === before + 1);

    // 3.1.1 has no reasons: the message is acknowledged, and nobody gets it.
    const old = await broker.connect({ level: 4 });
    old.publish('json/a', 'bad', { qos: 1, packetId: 1 });
    await old.next('puback');
    const strict = await broker.connect();
    strict.send(
      strict.encodePublish('strict/a', '10'),
      strict.encodePublish('strict/a', 'bad'),
      strict.encodePublish('strict/a', '11'),
    );
    assert.is(await strict.reasonOfEnd(), INVALID);
    assert.is(await next(), 'strict/a 10', 'what came before it is good');
    old.publish('strict/a', 'bad');
    await old.closed;
    assert.equal(
      (await subscriber.settled()).filter(({ cmd }) => cmd === 'publish'),
      [],
    );
    for (const each of [subscriber, client]) each.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test('schemas are read again with the configuration, and bad ones change nothing', async () => {
  const config = join(folder, 'node.toml');
  const schema = file('changing.json', '{"type":"number"}');
  const write = (more: string): void =>
    writeFileSync(
      config,
      `node = { data = "${folder}/data", threads = 1 }\nstorage = { enabled = false }\nhttp = { port = 0 }\nlog = { level = "error" }\n[mqtt]\ntcp = { port = 0 }\nws = { port = -1 }\n${more}`,
    );
  const table = `[[mqtt.payload_schemas]]\nfilter = "a"\ntype = "json"\nfile = "${schema}"\n`;
  write('');
  const node = new NodeChild(['--config', config], {}, NODE);
  try {
    const { http, mqtt } = await node.ready();
    const client = await RawClient.connect(Number(mqtt!.tcp!.split(':').pop()), { clientId: 'c' });
    const reload = async (): Promise<unknown> => (await fetch(`http://${http}/api/v1/config/reload`, { method: 'POST' })).json();
    const reasonOf = async (payload: string): Promise<number> => {
      client.publish('a', payload, { qos: 1, packetId: 1 });
      return ((await client.next('puback')) as { reasonCode?: number }).reasonCode ?? 0;
    };
    const NOBODY = 0x10;
    assert.is(await reasonOf('x'), NOBODY);
    write(table);
    assert.equal(await reload(), { applied: ['mqtt.payload_schemas'], refused: [] });
    await until('the schema is in force', async () => (await reasonOf('x')) === INVALID);
    assert.is(await reasonOf('1'), NOBODY);
    file('changing.json', '{"type":"strin"}');
    assert.is(((await reload()) as { code: string }).code, 'SLUICE_PAYLOAD_SCHEMA');
    assert.is(await reasonOf('1'), NOBODY, 'the old one goes on');
    file('changing.json', '{"type":"string"}');
    await reload();
    await until('the file was read again', async () => (await reasonOf('1')) === INVALID);
    write('');
    await reload();
    await until('nothing is checked any more', async () => (await reasonOf('x')) === NOBODY);
    client.destroy();
  } finally {
    node.kill('SIGTERM');
    assert.is(await node.ended, 0);
  }
});

test('a schema that is none is refused with the file and the reason', async () => {
  const bad = file('bad.proto', 'syntax = "proto3";\nmessage {\n');
  const read = (table: string): Promise<unknown> =>
    readPayloadSchemas(loadConfig({ assignments: [`mqtt.payload_schemas=[${table}]`], environment: {}, file: undefined }).config);
  for (const [table, why] of [
    [`{filter="a",type="json",file="${folder}/none"}`, 'ENOENT'],
    [`{filter="a",type="protobuf",file="${bad}",message="A"}`, 'bad.proto'],
    [`{filter="a",type="protobuf",file="${proto}",message="Other"}`, 'Other'],
    [`{filter="a",type="protobuf",file="${proto}"}`, 'message'],
    [`{filter="a",type="json",file="${number}",message="A"}`, 'message'],
    [`{filter="a/#/b",type="json",file="${number}"}`, 'filter'],
  ] as const) {
    const error = await read(table).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(isCoded(error) && error.code === 'SLUICE_PAYLOAD_SCHEMA' && error.message.includes(why), `${table}: ${error}`);
    assert.is(exitCodeOf(error as SluiceError), 2);
  }
});

test('a node without schemas does not load the libraries', () => {
  const module = new URL('../../src/nodes/reactor.js', import.meta.url);
  const script = `import(${JSON.stringify(String(module))}).then(() => {
    const { createRequire } = require('node:module');
    console.log(Object.keys(require.cache).filter((path) => /protobufjs|ajv.dist.20/.test(path)).length, Object.keys(require.cache).length > 0);
  })`;
  const output = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  assert.is(output.trim(), '0 true');
});

test.run();
