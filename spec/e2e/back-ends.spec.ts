// Clients and rights by way of back ends, through a whole node: tokens, and a web service that may answer, hang, talk nonsense or be gone.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JWTPayload, SignJWT } from 'jose';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { Broker } from './broker.ts';
import type { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const SECRET = 'a secret of at least thirty-two bytes';
const NOT_AUTHORIZED = 0x87;
const UNAVAILABLE = 0x88;

const test = suite('back ends of authentication and access');

interface Asked {
  readonly path: string;
  readonly body: Record<string, string>;
}

let answer: (asked: Asked, response: ServerResponse) => void;
const asked: Asked[] = [];
const service: Server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk;
  });
  request.on('end', () => {
    const question = { path: request.url!, body: JSON.parse(body) as Record<string, string> };
    asked.push(question);
    answer(question, response);
  });
});
const says = (response: ServerResponse, result: string, more: object = {}): void =>
  void response.writeHead(200).end(JSON.stringify({ result, ...more }));

const folder = mkdtempSync(join(tmpdir(), 'sluice-back-ends-'));
let broker: Broker;
let url: string;

test.before(async () => {
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  broker = await Broker.start({
    'node.threads': 2,
    'node.data': folder,
    'auth.chain': 'jwt,http',
    'auth.timeout_ms': 400,
    'acl.sources': 'jwt,http',
    'acl.no_match': 'deny',
    'acl.cache_s': 2,
    'backend.jwt.secret': SECRET,
    'backend.http.auth_url': `${url}/auth`,
    'backend.http.acl_url': `${url}/acl`,
  });
});
test.after(async () => {
  await broker.assertSound();
  assert.is(await broker.stop(), 0);
  service.closeAllConnections();
  service.close();
  rmSync(folder, { recursive: true });
  assert.not.match(broker.node.stderr.join('\n'), /hunter2|thirty-two/, 'no credentials in the log');
});
test.before.each(() => {
  asked.length = 0;
  answer = (_question, response) => says(response, 'allow');
});

const token = (claims: JWTPayload): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET));
const connect = (password: string, more = {}): Promise<RawClient> =>
  broker.connect({ username: 'anna', password: Buffer.from(password), ...more });
const published = async (client: RawClient, topic: string, payload = topic): Promise<number> => {
  client.publish(topic, payload, { qos: 1, packetId: 1 });
  const { reasonCode = 0 } = (await client.next('puback')) as { reasonCode?: number };
  return reasonCode >= 0x80 ? reasonCode : 0;
};

test('a token lets in, with its rules, until it ends', async () => {
  const exp = Math.floor(Date.now() / 1000) + 2;
  const client = await connect(await token({ exp, acl: { pub: ['own/%c'], sub: ['own/#'] } }), { clientId: 't1' });
  assert.is(client.connack.reasonCode, 0);
  assert.is(await published(client, 'own/t1'), 0);
  assert.is(await published(client, 'own/t2'), NOT_AUTHORIZED);
  assert.equal(await client.subscribe('own/+'), [0]);
  assert.equal(await client.subscribe('other'), [NOT_AUTHORIZED]);
  assert.is(await client.reasonOfEnd(), NOT_AUTHORIZED, 'its time is over');
  assert.ok(Date.now() >= exp * 1000, 'and not before');
  assert.equal(asked, [], 'nobody else was asked');
});

test('a token that does not hold is denied; what is no token goes to the web service', async () => {
  const forged = await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(`${SECRET}!`));
  assert.is((await connect(forged)).connack.reasonCode, 0x86);
  assert.equal(asked, []);
  const client = await connect('hunter2', { clientId: 'plain' });
  assert.is(client.connack.reasonCode, 0);
  assert.equal(asked, [
    { path: '/auth', body: { clientid: 'plain', username: 'anna', password: 'hunter2', peerhost: '127.0.0.1' } },
  ]);
  answer = (_question, response) => says(response, 'deny');
  assert.is((await connect('hunter2')).connack.reasonCode, 0x86);
  client.destroy();
});

test('messages wait for the verdict in their order, and a topic is asked about once', async () => {
  const client = await connect('hunter2', { clientId: 'asking' });
  const watcher = await connect('hunter2', { clientId: 'watching' });
  await watcher.subscribe('w/#');
  asked.length = 0;
  const held: (() => void)[] = [];
  answer = (question, response) => held.push(() => says(response, question.body.topic === 'w/bad' ? 'deny' : 'allow'));
  for (let round = 0; round < 3; round++) {
    for (const name of ['a', 'bad', 'b']) client.publish(`w/${name}`, `${name}${round}`);
  }
  for (const topic of ['w/a', 'w/bad', 'w/b']) {
    await until(`${topic} is asked about`, () => asked.at(-1)?.body.topic === topic);
    held.shift()!();
  }
  const received: string[] = [];
  while (received.length < 6) received.push(await watcher.nextPayload());
  assert.equal(received, ['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  assert.is(asked.length, 3, 'each topic once');
  assert.is(asked[0]!.body.action, 'publish');
  client.destroy();
  watcher.destroy();
});

test('answers are asked for again when they are old', async () => {
  const client = await connect('hunter2');
  assert.is(await published(client, 'changing'), 0);
  answer = (_question, response) => says(response, 'deny');
  assert.is(await published(client, 'changing'), 0, 'remembered');
  await until('it is asked again', async () => (await published(client, 'changing')) === NOT_AUTHORIZED);
  client.destroy();
});

test('a web service that hangs, talks nonsense or is gone: refused in time, counted, and nobody else waits', async () => {
  const count = (series: string): Promise<number> => broker.metric(series);
  const failed = 'sluice_auth_checks_total{link="http",outcome="failed"}';
  const before = await count(failed);
  const behaviours: ((question: Asked, response: ServerResponse) => void)[] = [
    () => {},
    (_question, response) => response.end('hunter2'),
    (_question, response) => response.socket!.destroy(),
    (_question, response) => response.writeHead(200, { 'Content-Length': '99' }).write('{"result":"allow"'),
  ];
  for (const behaviour of behaviours) {
    answer = behaviour;
    const waiting = connect('hunter2');
    const other = await connect(await token({ acl: { all: ['#'] } }));
    assert.is(other.connack.reasonCode, 0);
    assert.is(await published(other, 'x'), 0);
    assert.is((await waiting).connack.reasonCode, UNAVAILABLE);
    other.destroy();
  }
  assert.is(await count(failed), before + behaviours.length);
  await broker.node.logged('a security back end failed');
});

test('a source of rules that fails denies, and is asked again soon', async () => {
  const client = await connect('hunter2');
  const failed = 'sluice_acl_questions_total{source="http",outcome="failed"}';
  const before = await broker.metric(failed);
  answer = (_question, response) => response.end('hunter2');
  assert.is(await published(client, 'failing'), NOT_AUTHORIZED);
  assert.equal(await client.subscribe('failing'), [NOT_AUTHORIZED]);
  assert.is(await broker.metric(failed), before + 2);
  answer = (_question, response) => says(response, 'allow');
  await until('it is asked again', async () => (await published(client, 'failing')) === 0);
  client.destroy();
});

test('a client that leaves while its rights are asked for leaves nothing behind', async () => {
  const client = await connect('hunter2', { clientId: 'leaving' });
  let held: ServerResponse | undefined;
  answer = (_question, response) => {
    held = response;
  };
  client.publish('left/alone', 'x');
  await until('it is asked', () => held !== undefined);
  client.reset();
  says(held!, 'allow');
  await broker.untilGone('leaving');
});

test('secrets are in no output: printed configuration, HTTP, the message about a bad value', async () => {
  const config = await (await fetch(`${broker.http}/api/v1/config`)).text();
  assert.not.match(config, /thirty-two/);
  assert.match(config, /"backend.jwt.secret":\{"value":"\*\*\*"/);
  const run = async (...args: string[]): Promise<string> => {
    const child = new NodeChild(args, {}, NODE);
    await child.ended;
    return [...child.stdout, ...child.stderr].join('\n');
  };
  const set = ['--set', `backend.jwt.secret=${SECRET}`, '--set', 'backend.mysql.url=mysql://u:hunter2@h/d'];
  for (const form of [['--print-config'], ['--print-config', '--json']]) {
    const printed = await run(...form, ...set);
    assert.match(printed, /\*\*\*/);
    assert.not.match(printed, /thirty-two|hunter2/);
  }
  assert.not.match(await run('--check-config', '--set', 'backend.mysql.url=mysq://u:hunter2@h/d'), /hunter2/);
  assert.not.match(await run('--check-config', '--set', 'backend.mysql.uri=mysql://u:hunter2@h/d'), /hunter2/);
});

test.run();
