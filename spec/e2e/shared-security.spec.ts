// Users, rules and bans of three real nodes: changed on one, in force on all, kept while a leader is killed, and by a node that is left alone.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalCluster, LocalNode } from '../../bench/cluster/local-cluster.ts';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import { storedScram } from '../../src/nodes/auth/scram-file.ts';
import { leader } from './groups.ts';
import { RawClient } from './raw-client.ts';
import { ThreeNodes } from './three-nodes.ts';
import { until, within } from './until.ts';

const test = suite('users, rules and bans of a cluster');
let three: ThreeNodes;
let cluster: LocalCluster;
const REFUSED = 0x86;
const BANNED = 0x8a;
const SETTINGS = {
  'auth.chain': 'builtin',
  'auth.scrypt_log_n': 10,
  'acl.sources': 'builtin',
  'acl.no_match': 'allow',
};

test.before(async () => {
  three = await ThreeNodes.make('security-cluster', SETTINGS);
  ({ cluster } = three);
  // What node 2 has from the time before it shared anything.
  const user = { hash: hashPassword('old', 10), scram: storedScram('old', Buffer.alloc(16), 4096), superuser: false, groups: [] };
  mkdirSync(join(three.folder, 'node-2', 'security'), { recursive: true });
  writeFileSync(join(three.folder, 'node-2', 'security', 'users.json'), JSON.stringify({ veteran: user }));
  await cluster.start();
});
test.after(() => three.end());

const portOf = (node: LocalNode): number => Number(node.ready!.mqtt!.tcp!.split(':').at(-1));

/** The reason of CONNACK. */
async function login(node: LocalNode, username: string, password: string, clientId = `of-${username}`): Promise<number> {
  const client = await RawClient.open(portOf(node));
  try {
    const { reasonCode } = await client.connect({ clientId, username, password: Buffer.from(password) });
    return reasonCode!;
  } finally {
    client.destroy();
  }
}

async function inForce(what: string, username: string, password: string, expected: number, clientId?: string): Promise<void> {
  for (const node of cluster.nodes.filter(({ isRunning }) => isRunning)) {
    await until(`${what} on node ${node.id}`, async () => (await login(node, username, password, clientId)) === expected);
  }
}

test('a user that is made on one node can log in on every one, and no more when it is gone', async () => {
  const [first, second, third] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
  assert.is((await first.http('POST', '/api/v1/users', { name: 'anna', password: 'right' })).status, 201);
  assert.is(await login(first, 'anna', 'right'), 0, 'in force where it was made as soon as that is said');
  await inForce('anna can log in', 'anna', 'right', 0);
  assert.is((await second.http('POST', '/api/v1/users', { name: 'anna', password: 'other' })).status, 409);
  assert.is((await third.http('PATCH', '/api/v1/users/anna', { password: 'new' })).status, 200);
  await inForce('the old password is wrong', 'anna', 'right', REFUSED);
  await inForce('the new password is right', 'anna', 'new', 0);
  assert.is((await second.http('DELETE', '/api/v1/users/anna')).status, 204);
  await inForce('anna is nobody', 'anna', 'new', REFUSED);
});

test('what a node has from before is known to all', async () => {
  await inForce('the veteran can log in', 'veteran', 'old', 0);
});

test('changes of all nodes at once are all there', async () => {
  const makes = Array.from({ length: 12 }, (_, i) =>
    cluster.nodes[i % 3]!.http('POST', '/api/v1/acl', {
      rule: { permission: 'deny', action: 'publish', topics: [`closed/${i}`] },
    }),
  );
  const ids = (await Promise.all(makes)).map(({ status, body }) => [status, (body as { id: number }).id]);
  assert.equal(
    ids.sort((a, b) => a[1]! - b[1]!),
    ids.map((_, i) => [201, i + 1]),
    'no id twice',
  );
  for (const node of cluster.nodes) {
    await until(`node ${node.id} has all rules`, async () => {
      const { rules } = (await node.http('GET', '/api/v1/acl')).body as { rules: unknown[] };
      return rules.length === 12;
    });
    const { body } = await node.http('POST', '/api/v1/acl/check', { user: 'veteran', action: 'publish', topic: 'closed/7' });
    assert.equal(body, { allowed: false });
  }
});

test('a ban on one node disconnects on another', async () => {
  const [first, , third] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
  const client = await RawClient.connect(portOf(third), { clientId: 'rogue', username: 'veteran', password: Buffer.from('old') });
  assert.is((await first.http('POST', '/api/v1/bans', { kind: 'client', value: 'rogue' })).status, 201);
  await within('the end of the connection', client.closed);
  await inForce('the client is banned', 'veteran', 'old', BANNED, 'rogue');
  assert.is((await third.http('DELETE', '/api/v1/bans/client/rogue')).status, 204);
  await inForce('the ban is lifted', 'veteran', 'old', 0, 'rogue');
});

test('password hashes do not come out of the metadata', async () => {
  const { body } = await cluster.nodes[0]!.http('GET', '/api/v1/meta/keys?prefix=');
  const { keys } = body as { keys: { key: string }[] };
  assert.ok(keys.some(({ key }) => key.startsWith('node/')));
  assert.not(keys.some(({ key }) => key.startsWith('security/')));
  for (const [method, path] of [
    ['GET', 'key?key=security/users/veteran'],
    ['DELETE', 'key?key=security/users/veteran'],
  ] as const) {
    assert.is((await cluster.nodes[0]!.http(method, `/api/v1/meta/${path}`)).status, 403);
  }
});

test('the leader is killed in the middle; then a node is alone', async () => {
  const dead = await leader(cluster.nodes);
  const [second, third] = cluster.nodes.filter((node) => node !== dead) as [LocalNode, LocalNode];
  const making = second.http('POST', '/api/v1/users', { name: 'otto', password: 'x' });
  await dead.kill('SIGKILL');
  // Nobody knows of a change whose leader dies; asked again it is done.
  const { status } = await making;
  assert.ok([201, 503, 504].includes(status), String(status));
  await until('otto is there', async () =>
    [201, 409].includes((await second.http('POST', '/api/v1/users', { name: 'otto', password: 'x' })).status),
  );
  await inForce('otto can log in', 'otto', 'x', 0);
  for (const { id, data } of [second, third]) {
    const copy = join(data, 'security', 'users.json');
    await until(`node ${id} has a copy`, () => existsSync(copy) && readFileSync(copy, 'utf8').includes('otto'));
  }
  await third.kill('SIGKILL');
  assert.is(await login(second, 'otto', 'x'), 0, 'alone it goes by what it knows');
  assert.is(await login(second, 'otto', 'y'), REFUSED);
});

test.run();
