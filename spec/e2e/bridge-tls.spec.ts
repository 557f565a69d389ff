// Bridges over TLS with a login: who is let in, and what is said of those that are not.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import type { BridgeView } from '../../src/nodes/bridge/bridge.ts';
import type { BridgeList } from '../../src/nodes/bridge/routes.ts';
import { encodeConnect } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import { hasOpenssl } from './certificates.ts';
import { cliOf } from './in-process-cli.ts';
import { TlsBench } from './tls-bench.ts';
import { until } from './until.ts';

if (!hasOpenssl()) console.log('skipped: the openssl command is not installed');
else run();

function run(): void {
  const test = suite('bridge over TLS');
  const bench = new TlsBench();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bridge-tls-'));
  test.after(async () => {
    rmSync(folder, { recursive: true });
    await bench.close();
  });

  test('with its authority and its password a bridge is let in; with one of them wrong it says why it is not', async () => {
    const users = join(folder, 'users');
    const password = join(folder, 'password');
    writeFileSync(users, `edge:${hashPassword('right', 10)}\n`);
    writeFileSync(password, 'right\n');
    const common = { 'storage.enabled': 'false' };
    const cloud = await bench.start({ ...common, 'auth.users_file': users });
    const url = `urls=["mqtts://127.0.0.1:${cloud.portOf('tls')}"],reconnect_min_ms=50,reconnect_max_ms=100`;
    const topics = 'topics=[{direction="both",filter="t/#"}]';
    const login = `username="edge",password_file="${password}"`;
    const ca = `tls={ca_file="${bench.authority.file}"}`;
    const tables = [
      `{name="good",${url},${login},${ca},${topics}}`,
      `{name="stranger",${url},username="edge",password="wrong",${ca},${topics}}`,
      `{name="distrusts",${url},${login},${topics}}`,
    ];
    const edge = await Broker.start({ ...common, 'mqtt.bridges': `[${tables.join(',')}]` });
    try {
      let views: readonly BridgeView[] = [];
      const viewOf = (name: string): BridgeView => views.find((view) => view.name === name)!;
      await until('one is connected, and the others have tried again and again', async () => {
        views = ((await (await fetch(`${edge.http}/api/v1/bridges`)).json()) as BridgeList).bridges;
        return viewOf('good').isConnected && viewOf('stranger').failures > 2 && viewOf('distrusts').failures > 2;
      });
      assert.match(viewOf('stranger').error, /[Nn]ot authorized|[Bb]ad [Uu]ser/);
      assert.match(viewOf('distrusts').error, /certificate/);
      assert.is(viewOf('good').failures, 0);
      const near = await edge.connect();
      await near.subscribe('t/#', { qos: 1 });
      const far = await bench.connect(cloud, 'far', {}, { username: 'edge', password: Buffer.from('right') });
      far.publish('t/one', 'x', { qos: 1, packetId: 1 });
      assert.is(await near.nextPayload(), 'x');
      await until('it is counted', async () => ((await cliOf(edge, 'bridge', 'status', 'good')) as BridgeView).in === 1);
      near.destroy();
      far.destroy();
      // An id of the node's own clients is nobody else's.
      await assertRefused(edge);
    } finally {
      assert.is(await edge.stop(), 0);
    }
  });

  test.run();
}

async function assertRefused(edge: Broker): Promise<void> {
  const thief = await edge.open();
  thief.send(connectAs('$bridge/good'));
  assert.is(((await thief.next('connack')) as { reasonCode?: number }).reasonCode, 0x85);
  thief.destroy();
}

function connectAs(clientId: string): Uint8Array {
  return encodeConnect({ level: 5, clientId, cleanStart: true, keepAliveSeconds: 0 });
}
