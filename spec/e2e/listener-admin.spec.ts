// Listeners that are stopped and started while a node runs, over HTTP and by the `sluice` command.
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const CLI = new URL('../../cli.js', import.meta.url).pathname;
const test = suite('administration of listeners');
let broker: Broker;
test.before(async () => {
  broker = await Broker.start({
    'node.threads': 2,
    'mqtt.listeners': '[{name="managed", type="tcp", port=0, mountpoint="plant/7/"}]',
  });
});
test.after(async () => {
  await broker.assertSound();
  assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
});

test('a listener is stopped and started over HTTP; its clients stay, unless they are told to leave', async () => {
  const post = async (path: string, body: object = {}): Promise<{ status: number; answer: Record<string, unknown> }> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${broker.http}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
  };
  const described = async (name: string): Promise<Record<string, unknown>> => {
    const { listeners } = (await (await fetch(`${broker.http}/api/v1/listeners`)).json()) as {
      listeners: Record<string, unknown>[];
    };
    return listeners.find((listener) => listener.name === name)!;
  };
  const port = broker.portOf('managed');
  const client = await RawClient.connect(port, { clientId: 'stays' });
  assert.equal(await described('managed').then(({ type, state, address }) => [type, state, address]), [
    'tcp',
    'listening',
    broker.listeners.managed,
  ]);
  const before = Number((await described('managed')).connections);
  assert.ok(before >= 1);

  assert.is((await post('listeners/managed/stop')).status, 200);
  const refused = await RawClient.open(port).then(
    () => 'accepted',
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.is(refused, 'ECONNREFUSED');
  await client.settled();
  assert.is((await described('managed')).state, 'stopped');

  for (let i = 0; i < 3; i++) {
    assert.is((await post('listeners/managed/start')).status, 200);
    const next = await RawClient.connect(port, { clientId: 'next' });
    await next.disconnect();
    assert.is((await post('listeners/managed/stop')).status, 200);
  }
  assert.is((await post('listeners/managed/start')).status, 200);
  assert.is((await post('listeners/managed/stop', { disconnect: true })).status, 200);
  assert.is(await client.reasonOfEnd(), 0x98);
  await until('they have left', async () => Number((await described('managed')).connections) === 0);

  assert.equal(await post('listeners/nobody/stop').then(({ status, answer }) => [status, answer.code]), [
    404,
    'SLUICE_LISTEN_UNKNOWN',
  ]);
  const form = await fetch(`${broker.http}/api/v1/listeners/tcp/stop`, {
    method: 'POST',
    body: new URLSearchParams({ disconnect: 'true' }),
  });
  assert.is(form.status, 415, 'what a web page can send from anywhere');
  assert.is((await fetch(`${broker.http}/api/v1/listeners/tcp/stop`, { method: 'POST' })).status, 400);
});

test('the same by the sluice command', async () => {
  const sluice = (...args: string[]): { code: number | null; out: string; err: string } => {
    const env = { PATH: process.env.PATH ?? '', SLUICE_NODE: broker.http.replace('http://', '') };
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'listener', ...args], { env, encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
  };
  const port = broker.portOf('managed');
  assert.is(sluice('start', 'managed').code, 0);
  const client = await RawClient.connect(port, { clientId: 'told-to-leave' });
  const stopped = sluice('stop', 'managed', '--disconnect', '--json');
  assert.is(stopped.code, 0, stopped.err);
  const { listeners } = JSON.parse(stopped.out) as { listeners: { name: string; state: string }[] };
  assert.is(listeners.find(({ name }) => name === 'managed')!.state, 'stopped');
  assert.is(await client.reasonOfEnd(), 0x98);
  assert.match(sluice('start', 'managed').out, /managed\s.*127\.0\.0\.1:\d+.*listening.*plant\/7\//);
  (await RawClient.connect(port, { clientId: 'again' })).destroy();
  const unknown = sluice('stop', 'nobody');
  assert.is(unknown.code, 1);
  assert.match(unknown.err, /SLUICE_LISTEN_UNKNOWN: "nobody": no such listener; there are tcp, managed/);
});

test.run();
