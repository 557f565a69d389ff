// Users, rules and bans managed over HTTP and by the `sluice` command while a node runs; who may, and what is written down of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import { parseUsers } from '../../src/nodes/auth/users-file.ts';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { Broker } from './broker.ts';
import type { RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const CLI = new URL('../../cli.js', import.meta.url).pathname;
const TOKEN = 'a-token-that-nobody-guesses';
const NOT_AUTHORIZED = 0x87;
const BANNED = 0x8a;
const ADMINISTRATIVE_ACTION = 0x98;
const WRONG_PASSWORD = 0x86;

const test = suite('administration');

const folder = mkdtempSync(join(tmpdir(), 'sluice-admin-'));
const data = join(folder, 'data');
const settings = {
  'node.threads': 2,
  'node.data': data,
  'auth.chain': 'builtin',
  'auth.scrypt_log_n': 10,
  'auth.timeout_ms': 4500,
  'acl.sources': 'builtin',
  'acl.no_match': 'deny',
  'http.tokens_file': join(folder, 'tokens'),
  'http.users_file': join(folder, 'admins'),
};
let broker: Broker;
async function start(): Promise<Broker> {
  const started = await Broker.start(settings);
  started.headers = { Authorization: `Bearer ${TOKEN}` };
  return started;
}

test.before(async () => {
  writeFileSync(join(folder, 'tokens'), `# who may\nci:${TOKEN}\n`);
  writeFileSync(join(folder, 'admins'), `root:${hashPassword('hunter2', 10)}\n`);
  broker = await start();
});
test.after(async () => {
  assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  assert.not.match(broker.node.stderr.join('\n'), /hunter|nobody-guesses/, 'no credentials in the log');
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function http(method: string, path: string, body?: unknown, authorization = `Bearer ${TOKEN}`): Promise<Answer> {
  const response = await fetch(broker.http + path, {
    method,
    headers: { Authorization: authorization, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

async function sluice(args: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH, SLUICE_NODE: broker.http.replace('http://', ''), SLUICE_TOKEN: TOKEN },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin.on('error', () => {}).end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

const connect = (username: string, password: string, more = {}): Promise<RawClient> =>
  broker.connect({ username, password: Buffer.from(password), ...more });
async function published(client: RawClient, topic: string): Promise<number> {
  client.publish(topic, 'x', { qos: 1, packetId: 1 });
  const { reasonCode = 0 } = (await client.next('puback')) as { reasonCode?: number };
  return reasonCode >= 0x80 ? reasonCode : 0;
}

test('users: made, used, changed and removed over HTTP, in force at once', async () => {
  assert.is((await connect('anna', 'hunter3')).connack.reasonCode, WRONG_PASSWORD);
  const made = await http('POST', '/api/v1/users', { name: 'anna', password: 'hunter3', groups: ['staff'] });
  assert.equal(made, { status: 201, body: { name: 'anna', superuser: false, groups: ['staff'] } });
  assert.is((await http('POST', '/api/v1/users', { name: 'anna', password: 'x' })).status, 409);
  const client = await connect('anna', 'hunter3');
  assert.is(client.connack.reasonCode, 0);
  assert.is(await published(client, 'x'), NOT_AUTHORIZED);
  assert.is((await http('PATCH', '/api/v1/users/anna', { password: 'hunter4', superuser: true })).status, 200);
  assert.is((await connect('anna', 'hunter3')).connack.reasonCode, WRONG_PASSWORD);
  const again = await connect('anna', 'hunter4');
  assert.is(await published(again, 'x'), 0, 'a superuser may do everything');
  assert.equal((await http('GET', '/api/v1/users')).body, { users: [{ name: 'anna', superuser: true, groups: ['staff'] }] });
  assert.is((await http('DELETE', '/api/v1/users/anna')).status, 204);
  assert.is((await connect('anna', 'hunter4')).connack.reasonCode, WRONG_PASSWORD);
  for (const [method, body] of [['GET'], ['PATCH', { superuser: true }], ['DELETE']] as const)
    assert.is((await http(method, '/api/v1/users/anna', body)).status, 404, method);
  client.destroy();
  again.destroy();
});

test('requests that make no sense are refused and change nothing', async () => {
  const table: [method: string, path: string, body: unknown][] = [
    ['POST', '/api/v1/users', {}],
    ['POST', '/api/v1/users', { name: '', password: 'x' }],
    ['POST', '/api/v1/users', { name: 'x', password: 5 }],
    ['POST', '/api/v1/users', { name: 'x', password: 'x', admin: true }],
    ['POST', '/api/v1/users', { name: 'x', password: 'x', superuser: 'true' }],
    ['PATCH', '/api/v1/users/x', {}],
    ['GET', '/api/v1/users?limit=0', undefined],
    ['POST', '/api/v1/acl', { rule: { permission: 'allow', action: 'all', topics: ['a/#/b'] } }],
    ['POST', '/api/v1/acl', { rule: { permission: 'allow' } }],
    ['PUT', '/api/v1/acl', { rules: [{}] }],
    ['POST', '/api/v1/acl/check', { action: 'read', topic: 'a' }],
    ['POST', '/api/v1/bans', { kind: 'address', value: 'somewhere' }],
    ['POST', '/api/v1/bans', { kind: 'client', value: 'x', seconds: -1 }],
  ];
  for (const [method, path, body] of table) {
    const { status, body: problem } = await http(method, path, body);
    assert.is(status, 400, `${method} ${path} ${JSON.stringify(body)}`);
    assert.is(problem.code, 'SLUICE_HTTP_FAILED');
  }
  assert.equal((await http('GET', '/api/v1/users')).body, { users: [] });
  assert.equal((await http('GET', '/api/v1/acl')).body, { rules: [] });
  assert.equal((await http('GET', '/api/v1/bans')).body, { bans: [] });
});

test('the sluice command: users, rules and bans', async () => {
  assert.equal(await sluice(['user', 'add', 'otto', '--group', 'staff'], 'hunter5\n'), { code: 0, out: 'added otto\n', err: '' });
  assert.is((await sluice(['user', 'list'])).out, 'otto  groups=staff\n');
  const client = await connect('otto', 'hunter5', { clientId: 'desk' });
  assert.is(await published(client, 'desk/x'), NOT_AUTHORIZED);
  assert.match(
    (await sluice(['acl', 'add', 'allow', 'publish', '--topic', '%c/#', '--group', 'staff'])).out,
    /^\d+ {2}allow {2}publish/,
  );
  assert.is(await published(client, 'desk/x'), 0, 'in force when the command has ended, for who is connected');
  assert.is((await sluice(['acl', 'check', 'publish', 'desk/y', '--client', 'desk', '--group', 'staff'])).out, 'allowed\n');
  const table = await http('POST', '/api/v1/acl/check', {
    client: 'desk',
    groups: ['staff'],
    action: 'publish',
    topic: 'table/y',
  });
  assert.equal(table.body, { allowed: false });
  const { rules } = JSON.parse((await sluice(['acl', 'list', '--json'])).out) as { rules: { id: number }[] };
  assert.is((await sluice(['acl', 'delete', String(rules[0]!.id)])).code, 0);
  assert.is(await published(client, 'desk/x'), NOT_AUTHORIZED);
  writeFileSync(join(folder, 'acl'), 'pattern readwrite %c/#\n');
  assert.is((await sluice(['acl', 'replace', join(folder, 'acl')])).out, '2 rules are in force\n');
  assert.is(await published(client, 'desk/x'), 0);

  assert.is((await sluice(['ban', 'add', 'client', 'desk', '--seconds', '3600', '--reason', 'spec'])).code, 0);
  assert.is(await client.reasonOfEnd(), ADMINISTRATIVE_ACTION, 'who is banned is disconnected');
  assert.is((await connect('otto', 'hunter5', { clientId: 'desk' })).connack.reasonCode, BANNED);
  assert.match((await sluice(['ban', 'list'])).out, /^client {2}desk {2}until 20.* {2}spec\n$/);
  assert.is((await sluice(['ban', 'delete', 'client', 'desk'])).code, 0);
  const back = await connect('otto', 'hunter5', { clientId: 'desk' });
  assert.is(back.connack.reasonCode, 0);
  back.destroy();

  assert.is((await sluice(['user', 'passwd', 'otto'], 'hunter6\n')).code, 0);
  assert.is((await connect('otto', 'hunter5')).connack.reasonCode, WRONG_PASSWORD);
  assert.is((await sluice(['user', 'delete', 'otto'])).code, 0);
  const gone = await sluice(['user', 'delete', 'otto']);
  assert.match(gone.err, /SLUICE_HTTP_NOT_FOUND/);
  assert.is(gone.code, 1);
  assert.is((await sluice(['user', 'list', '--node', '127.0.0.1:2'])).code, 3);
  assert.is((await sluice(['user', 'frobnicate'])).code, 2);
  const { out } = await sluice(['user', 'hash', 'carl'], 'hunter7\n');
  assert.equal([...parseUsers('users', out).keys()], ['carl']);
});

test('bans by user and by address block, and only as long as they hold', async () => {
  await http('POST', '/api/v1/users', { name: 'carl', password: 'hunter8' });
  const carl = await connect('carl', 'hunter8', { sessionExpiry: 3600, clientId: 'away' });
  carl.destroy();
  await http('POST', '/api/v1/bans', { kind: 'user', value: 'carl' });
  await broker.untilGone('away');
  assert.is((await connect('carl', 'hunter8')).connack.reasonCode, BANNED);
  assert.is((await http('DELETE', '/api/v1/bans/user/carl')).status, 204);
  await http('POST', '/api/v1/bans', { kind: 'address', value: '127.0.0.0/8', seconds: 1 });
  assert.is((await connect('carl', 'hunter8')).connack.reasonCode, BANNED);
  await until('the ban is over', async () => {
    const client = await connect('carl', 'hunter8');
    client.destroy();
    return client.connack.reasonCode === 0;
  });
  assert.equal((await http('GET', '/api/v1/bans')).body, { bans: [] });
  assert.is((await http('DELETE', '/api/v1/bans/user/carl')).status, 404);
});

test('only who is known may ask, but health is for everybody', async () => {
  for (const authorization of [
    '',
    'Bearer',
    'Bearer wrong-token-of-some-length',
    'Basic cm9vdDp3cm9uZw==',
    'Basic !',
    `Digest ${TOKEN}`,
  ]) {
    for (const path of ['/api/v1/users', '/metrics', '/api/v1/config', '/nowhere']) {
      const { status, body } = await http('GET', path, undefined, authorization);
      assert.is(status, 401, `${path} with ${authorization}`);
      assert.is(body.code, 'SLUICE_HTTP_UNAUTHORIZED');
    }
    assert.is((await http('GET', '/health/live', undefined, authorization)).status, 200);
  }
  const basic = `Basic ${Buffer.from('root:hunter2').toString('base64')}`;
  assert.is((await http('GET', '/api/v1/users', undefined, basic)).status, 200);
});

test('every action is in the audit log, with who did it and how it ended, and without passwords', async () => {
  const basic = `Basic ${Buffer.from('root:hunter2').toString('base64')}`;
  await http('POST', '/api/v1/users', { name: 'dora', password: 'hunter9' });
  await http('POST', '/api/v1/users', { name: 'dora', password: 'hunter9' }, basic);
  await http('DELETE', '/api/v1/users/dora', undefined, 'Bearer wrong-token-of-some-length');
  await http('GET', '/api/v1/users');
  const read = (): Record<string, unknown>[] =>
    readFileSync(join(data, 'audit.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  await until('it is written', () => read().at(-1)?.status === 401);
  const last = read().slice(-3);
  assert.equal(
    last.map(({ ts: _ts, ...entry }) => entry),
    [
      { who: 'token ci', from: '127.0.0.1', method: 'POST', path: '/api/v1/users', status: 201 },
      { who: 'user root', from: '127.0.0.1', method: 'POST', path: '/api/v1/users', status: 409 },
      { who: 'nobody', from: '127.0.0.1', method: 'DELETE', path: '/api/v1/users/dora', status: 401 },
    ],
  );
  assert.not.match(readFileSync(join(data, 'audit.log'), 'utf8'), /hunter|nobody-guesses/);
});

test('everything is there again after the node was killed', async () => {
  await http('POST', '/api/v1/users', { name: 'emil', password: 'hunter10' });
  await http('PUT', '/api/v1/acl', { rules: [{ permission: 'allow', action: 'all', users: ['emil'] }] });
  await http('POST', '/api/v1/bans', { kind: 'client', value: 'nobody', reason: 'kept' });
  broker.node.kill('SIGKILL');
  await broker.node.ended;
  broker = await start();
  const emil = await connect('emil', 'hunter10');
  assert.is(emil.connack.reasonCode, 0);
  assert.is(await published(emil, 'anything'), 0);
  assert.is((await connect('emil', 'hunter10', { clientId: 'nobody' })).connack.reasonCode, BANNED);
  emil.destroy();
});

test('without authentication the node answers to names of this machine alone', async () => {
  const open = await Broker.start({ 'node.data': join(folder, 'open') });
  const port = Number(open.http.split(':').pop());
  const ask = (host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path: '/api/v1/users', headers: { Host: host } }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      asked.on('error', reject).end();
    });
  assert.is(await ask(`127.0.0.1:${port}`), 200);
  assert.is(await ask(`localhost:${port}`), 200);
  assert.is(await ask(`[::1]:${port}`), 200);
  assert.is(await ask('evil.example'), 403);
  const form = await fetch(`${open.http}/api/v1/users`, { method: 'POST', body: '{"name":"x","password":"x"}' });
  assert.is(form.status, 415, 'what any web page may send without asking is not taken');
  assert.is(await open.stop(), 0);
});

test('off loopback the node wants to know who asks; bad files stop the boot', async () => {
  const failing = async (...args: string[]): Promise<string> => {
    const child = new NodeChild(
      [...args, '--set', 'mqtt.tcp.port=0', '--set', 'mqtt.ws.port=-1', '--set', `node.data=${join(folder, 'x')}`],
      {},
      NODE,
    );
    assert.is(await within('the end', child.ended), 2);
    return child.stderr.join('\n');
  };
  assert.match(await failing('--set', 'http.host=0.0.0.0'), /SLUICE_LISTEN_INSECURE.*http\.tokens_file/);
  assert.match(
    await failing('--set', 'http.tokens_file=/nonexistent'),
    /SLUICE_HTTP_ADMINS_FILE: "\/nonexistent" cannot be read: ENOENT/,
  );
  writeFileSync(join(folder, 'short'), 'ci:hunter2\n');
  const short = await failing('--set', `http.tokens_file=${join(folder, 'short')}`);
  assert.match(short, /SLUICE_HTTP_ADMINS_FILE.*line 1 is not/);
  assert.not.match(short, /hunter2/);
});

test.run();
