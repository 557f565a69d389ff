// A node that starts without a majority of its cluster: it goes by the copy of users and bans that it has, and does not say READY.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../bench/targets/broker-process.ts';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import { storedScram } from '../../src/nodes/auth/scram-file.ts';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const test = suite('the copy of users and bans');

async function login(port: number, username: string, password: string, clientId: string): Promise<number> {
  const client = await RawClient.open(port);
  try {
    return (await client.connect({ clientId, username, password: Buffer.from(password) })).reasonCode!;
  } finally {
    client.destroy();
  }
}

test('without a majority a node lets in and keeps out whom it knows, and changes nothing', async () => {
  const data = mkdtempSync(join(tmpdir(), 'sluice-copy-'));
  const [mqtt, http, wire, other] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const write = (name: string, document: unknown): void =>
    writeFileSync(join(data, 'security', `${name}.json`), JSON.stringify(document));
  mkdirSync(join(data, 'security'));
  const scram = storedScram('right', Buffer.alloc(16), 4096);
  write('users', { anna: { hash: hashPassword('right', 10), scram, superuser: false, groups: [] } });
  write('bans', [{ kind: 'client', value: 'rogue', until: null, reason: '' }]);
  write('shared', true);
  const settings = {
    'node.data': data,
    'node.threads': 1,
    'cluster.meta': `1@127.0.0.1:${wire},2@127.0.0.1:${other},3@127.0.0.1:${other}`,
    'wire.port': wire,
    'http.port': http,
    'mqtt.tcp.port': mqtt,
    'auth.chain': 'builtin',
    'auth.scrypt_log_n': 10,
  };
  const node = new NodeChild(
    Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    {},
    NODE,
  );
  try {
    await until('it lets anna in', async () => (await login(mqtt, 'anna', 'right', 'a').catch(() => undefined)) === 0);
    assert.is(await login(mqtt, 'anna', 'wrong', 'a'), 0x86);
    assert.is(await login(mqtt, 'anna', 'right', 'rogue'), 0x8a);
    const answer = await fetch(`http://127.0.0.1:${http}/api/v1/users/anna`, { method: 'DELETE' });
    assert.is(answer.status, 503);
    assert.is(((await answer.json()) as { code: string }).code, 'SLUICE_META_UNAVAILABLE');
    assert.is(await login(mqtt, 'anna', 'right', 'a'), 0, 'nothing was done');
    assert.equal(node.stdout, [], 'it is not ready');
  } finally {
    node.kill('SIGKILL');
    await node.ended;
    rmSync(data, { recursive: true, force: true });
  }
});

test.run();
