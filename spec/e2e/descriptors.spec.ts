// A node that has no file descriptor left for a connection loses that one; the others, and those that come when there are some again, notice nothing.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE } from '../nodes/node-child.ts';
import { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const DESCRIPTORS = 200;
const TOO_MANY = 300;

const test = suite('file descriptors');

test('connections beyond them are closed, again and again, and the node goes on', async () => {
  const data = mkdtempSync(join(tmpdir(), 'sluice-descriptors-'));
  const settings = [
    'mqtt.tcp.port=0',
    'mqtt.ws.port=-1',
    'http.port=0',
    `node.data=${data}`,
    'node.threads=1',
    'log.level=fatal',
  ];
  const command = `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`;
  const args = [process.execPath, NODE, ...settings.flatMap((each) => ['--set', each])];
  const node = spawn('sh', ['-c', command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let sockets: Socket[] = [];
  try {
    const out = await new Promise<string>((resolve, reject) => {
      let text = '';
      node.stdout.on('data', (bytes) => {
        text += bytes;
        if (/READY .*\n/.test(text)) resolve(text.slice(text.indexOf('READY ')));
      });
      node.once('exit', (code) => reject(new Error(`the node has ended with ${code}`)));
    });
    const { mqtt } = JSON.parse(out.slice(out.indexOf('{'))) as { mqtt: { tcp: string } };
    const port = Number(mqtt.tcp.split(':').pop());
    const first = await RawClient.connect(port, { clientId: 'first' });
    await first.subscribe('a');
    for (let round = 0; round < 2; round++) {
      sockets = Array.from({ length: TOO_MANY }, () => connect(port, '127.0.0.1').on('error', () => {}));
      await until('some have been closed', () =>
        Promise.resolve(sockets.filter(({ closed }) => closed).length > TOO_MANY - DESCRIPTORS),
      );
      first.publish('a', `round ${round}`);
      assert.is(await first.nextPayload(), `round ${round}`);
      for (const socket of sockets) socket.destroy();
      await until('another one gets in', async () => {
        const next = await RawClient.connect(port, { clientId: 'next' }).catch(() => undefined);
        next?.destroy();
        return next !== undefined;
      });
    }
    first.destroy();
    assert.is(node.exitCode, null);
  } finally {
    for (const socket of sockets) socket.destroy();
    node.kill('SIGKILL');
    rmSync(data, { recursive: true, force: true, maxRetries: 5 });
  }
});

test.run();
