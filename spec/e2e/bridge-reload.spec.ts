// Bridges that come, change and go while the node runs, by reading its configuration again.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BridgeList } from '../../src/nodes/bridge/routes.ts';
import { crossed, end, endAll, give, isUp, start, take } from './bridge-nodes.ts';
import { Broker } from './broker.ts';
import { cliOf } from './in-process-cli.ts';
import { until } from './until.ts';

const test = suite('bridges that are reloaded');
const folder = mkdtempSync(join(tmpdir(), 'sluice-bridge-reload-'));
test.after(async () => {
  await endAll();
  rmSync(folder, { recursive: true });
});

const table = (name: string, port: number, filter: string, prefix: string): string => `
[[mqtt.bridges]]
name = "${name}"
urls = ["mqtt://127.0.0.1:${port}"]
reconnect_min_ms = 50
reconnect_max_ms = 200
topics = [{ direction = "out", filter = "${filter}", qos = 1, remote_prefix = "${prefix}" }]
`;

test('one is added, changed with what waits in it, and removed; the others notice nothing, and a bad one changes nothing', async () => {
  const file = join(folder, 'edge.toml');
  writeFileSync(file, '');
  const hub = await start('hub', { 'storage.enabled': 'false' });
  const far = await hub.connect();
  await far.subscribe('#', { qos: 1 });
  const edge = await Broker.start({ 'node.data': join(folder, 'edge'), 'node.roles': 'broker,journal' }, {}, file);
  const reload = async (text: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    writeFileSync(file, text);
    const answer = await fetch(`${edge.http}/api/v1/config/reload`, { method: 'POST' });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const bridges = async (): Promise<BridgeList['bridges']> => ((await cliOf(edge, 'bridge', 'list')) as BridgeList).bridges;
  try {
    const [writer, watcher] = [await edge.connect(), await edge.connect()];
    await watcher.subscribe('$SYS/broker/connection/#');
    assert.equal(await bridges(), []);
    const steady = table('steady', hub.port, 's/#', '');
    assert.equal((await reload(steady + table('one', hub.port, 'a/#', 'r/'))).body, { applied: ['mqtt.bridges'], refused: [] });
    await isUp(edge, 2);
    await give(writer, 'a/1', 'x', 1);
    assert.is(await take(far), 'r/a/1 x 1');
    await give(writer, 's/1', 'x', 1);
    assert.is(await take(far), 's/1 x 1');
    await until('it is counted', async () => (await crossed(edge, 'one', 'out')) === 1);
    const { since } = (await bridges()).find(({ name }) => name === 'steady')!;

    const bad = await reload(steady + table('one', hub.port, 'a/#/b', 'r/'));
    assert.equal([bad.status, bad.body.code], [400, 'SLUICE_BRIDGE_CONFIG']);

    // Nobody is there: what is published meanwhile waits for the bridge that comes in its place.
    await reload(steady + table('one', 1, 'a/#', 'r/'));
    await until('it has lost the other side', async () =>
      (await bridges()).some(({ name, isConnected }) => name === 'one' && !isConnected),
    );
    await give(writer, 'a/2', 'y', 1);
    await reload(steady + table('one', hub.port, 'a/#', 'q/'));
    await isUp(edge, 2);
    assert.is(await take(far), 'q/a/2 y 1');
    await until('it counts on', async () => (await crossed(edge, 'one', 'out')) === 2);
    assert.is((await bridges()).find(({ name }) => name === 'steady')!.since, since, 'the other one has never left');

    await reload(steady);
    assert.equal(
      (await bridges()).map(({ name }) => name),
      ['steady'],
    );
    await until(
      'it has left the other side',
      async () => (await hub.sessions()).filter(({ detail }) => detail.state === 'online').length === 2,
    );
    await give(writer, 'a/3', 'z', 1);
    await give(writer, 's/2', 'z', 1);
    assert.is(await take(far), 's/2 z 1', 'what was its own crosses no more');
    await reload('');
    assert.equal(await bridges(), []);
    await reload(steady);
    await isUp(edge, 1);
    await give(writer, 's/3', 'again', 1);
    assert.is(await take(far), 's/3 again 1');
    const told = new Map<string, string>();
    await until('it is told of', async () => {
      for (const each of await watcher.settled()) if (each.cmd === 'publish') told.set(each.topic, String(each.payload));
      return told.get('$SYS/broker/connection/one/state') === '' && told.get('$SYS/broker/connection/steady/state') === '1';
    });
    for (const client of [far, writer, watcher]) client.destroy();
    await edge.assertSound();
  } finally {
    assert.is(await edge.stop(), 0);
  }
  await end(hub);
});

test.run();
