// Plugins: the example of the manual does what it says, and whatever a plugin does to its thread, clients go on.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE } from '../nodes/node-child.ts';
import { Broker } from './broker.ts';
import type { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const NOT_AUTHORIZED = 0x87;
const FAILED = 0x83;
const NOBODY = 0x10;

const test = suite('plugins');
const folder = mkdtempSync(join(tmpdir(), 'sluice-plugin-'));
test.after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const common = { 'storage.enabled': 'false' };
const questions = (broker: Broker, result: string): Promise<number> =>
  broker.metric(`sluice_plugin_questions_total{result="${result}"}`);

async function reasonOf(client: RawClient, topic: string, payload = 'x'): Promise<number> {
  client.publish(topic, payload, { qos: 1, packetId: 1 });
  return ((await client.next('puback')) as { reasonCode?: number }).reasonCode ?? 0;
}

test('the example of the manual', async () => {
  const manual = readFileSync(new URL('../../../docs/plugins.md', import.meta.url), 'utf8');
  const module = file('plugin.mjs', /```js\n([\s\S]*?)```/.exec(manual)![1]!);
  const broker = await Broker.start({
    ...common,
    'plugin.module': module,
    'plugin.settings': 'eve trudy',
    'acl.sources': '["plugin"]',
    'node.threads': 2,
  });
  try {
    for (const clientId of ['mallory', 'eve']) {
      const client = await broker.open();
      const { reasonCode } = (await client.connect({ clientId })) as { reasonCode?: number };
      assert.is(reasonCode, NOT_AUTHORIZED, clientId);
      client.destroy();
    }
    const subscriber = await broker.connect();
    assert.equal(await subscriber.subscribe('#', { qos: 1 }), [NOT_AUTHORIZED]);
    await subscriber.subscribe('+', { qos: 1 });
    await subscriber.subscribe('new/+', { qos: 1 });
    await subscriber.subscribe('private/#', { qos: 1 });
    const next = async (): Promise<string> => {
      const { topic, payload } = await subscriber.nextPublish();
      return `${topic} ${payload}`;
    };
    const client = await broker.connect({ clientId: 'me' });
    // A burst: in order, changed and refused one by one.
    const topics = ['plain', 'shout', 'old/1', 'forbidden', 'plain', 'private/me/1', 'private/you/1', 'shout', 'shout'];
    client.send(...topics.map((topic, i) => client.encodePublish(topic, `m${i}`, { qos: 1, packetId: i + 1 })));
    const reasons: number[] = [];
    for (const _ of topics) reasons.push(((await client.next('puback')) as { reasonCode?: number }).reasonCode ?? 0);
    assert.equal(
      reasons.map((reason, i) => [topics[i], reason]).filter(([, reason]) => reason !== 0),
      [
        ['forbidden', NOT_AUTHORIZED],
        ['private/you/1', NOT_AUTHORIZED],
      ],
    );
    const got: string[] = [];
    for (let i = 0; i < 7; i++) got.push(await next());
    assert.equal(got, ['plain m0', 'shout M1', 'new/1 m2', 'plain m4', 'private/me/1 m5', 'shout M7', 'shout M8']);
    // By an alias, at QoS 2 and 0, and by a will.
    client.publish('shout', 'zero');
    assert.is(await next(), 'shout ZERO');
    const dying = await broker.connect({
      will: { topic: 'shout', payload: Buffer.from('will'), qos: 0, retain: false } as never,
    });
    dying.destroy();
    assert.is(await next(), 'shout WILL');
    client.destroy();
    await until('the plugin has heard of it', () => broker.node.stderr.some((line) => line.includes('me has left')));
    subscriber.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

const FAULTS = `
export function onConnect({ client }) {
  if (client.clientId === 'waits') return new Promise(() => {});
}
export function onPublish({ topic }) {
  switch (topic) {
    case 'hook/loop': for (;;) {}
    case 'hook/exit': process.exit(3);
    case 'hook/never': return new Promise(() => {});
    case 'hook/throw': throw new Error('on purpose');
    case 'hook/reject': return Promise.reject('on purpose');
    case 'hook/garbage': return 7;
    case 'hook/function': return { payload: () => {} };
    case 'hook/wildcard': return { topic: 'a/#' };
    case 'hook/later': setTimeout(() => { throw new Error('on purpose'); }); return new Promise(() => {});
    case 'hook/memory': { const all = []; for (;;) all.push(new Array(10_000).fill({ all })); }
  }
}
`;

test('whatever it does, the question fails in time, others go on, and it comes back', async () => {
  const broker = await Broker.start({
    ...common,
    'log.level': 'silent',
    'plugin.module': file('faults.mjs', FAULTS),
    'plugin.publish_filters': 'hook/#',
    'plugin.timeout_ms': 300,
    'plugin.hang_ms': 1000,
    'plugin.memory_mb': 32,
    'plugin.fail_open': 'onConnect',
  });
  try {
    const subscriber = await broker.connect();
    await subscriber.subscribe('free/#', { qos: 1 });
    const witness = await broker.connect();
    for (const fault of ['never', 'throw', 'reject', 'garbage', 'function', 'wildcard', 'loop', 'exit', 'later', 'memory']) {
      const client = await broker.connect();
      client.publish(`hook/${fault}`, 'x', { qos: 1, packetId: 1 });
      // While it hangs, others do not notice.
      for (let i = 0; i < 20; i++) {
        assert.is(await reasonOf(witness, 'free/a', String(i)), 0, fault);
        assert.is(await subscriber.nextPayload(), String(i), fault);
      }
      assert.is(((await client.next('puback')) as { reasonCode?: number }).reasonCode, FAILED, fault);
      await until(`the plugin answers after ${fault}`, async () => (await reasonOf(client, 'hook/fine')) === NOBODY);
      client.destroy();
    }
    assert.ok((await broker.metric('sluice_plugin_restarts_total')) >= 4);
    assert.is(await broker.metric('sluice_plugin_up'), 1);
    assert.ok((await questions(broker, 'late')) >= 2);
    assert.ok((await questions(broker, 'gone')) >= 1);
    assert.is(await questions(broker, 'threw'), 2);
    assert.is(await questions(broker, 'garbage'), 3);
    // By its policy a hook that fails lets in.
    const waiting = await broker.connect({ clientId: 'waits' });
    for (const client of [waiting, subscriber, witness]) client.destroy();
    await broker.assertSound();
  } finally {
    assert.is(await broker.stop(), 0);
  }
});

test('a module that cannot be loaded ends the node, with the reason', () => {
  for (const [module, why] of [
    [join(folder, 'none.mjs'), 'none.mjs'],
    [file('broken.mjs', 'export function onConnect() {'), 'SyntaxError|Unexpected'],
    [file('throws.mjs', 'export function start() { throw new Error("not today"); }'), 'not today'],
  ] as const) {
    try {
      execFileSync(
        process.execPath,
        [
          NODE,
          '--set',
          `plugin.module=${module}`,
          '--set',
          `node.data=${folder}/data`,
          '--set',
          'mqtt.tcp.port=0',
          '--set',
          'mqtt.ws.port=-1',
          '--set',
          'http.port=0',
          '--set',
          'storage.enabled=false',
        ],
        { stdio: 'pipe' },
      );
      assert.unreachable(module);
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: Buffer };
      assert.is(status, 2, String(stderr));
      assert.match(String(stderr), new RegExp(`SLUICE_PLUGIN_LOAD.*(${why})`));
    }
  }
});

test.run();
