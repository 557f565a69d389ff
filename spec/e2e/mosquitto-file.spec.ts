// A node that is given a mosquitto.conf: what it says about the file, and what comes of flags beside it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../../bench/targets/broker-process.ts';
import { NODE, NodeChild } from '../nodes/node-child.ts';

const test = suite('a node with a mosquitto.conf');
const folder = mkdtempSync(join(tmpdir(), 'sluice-mosquitto-'));
test.after(() => rmSync(folder, { recursive: true }));
const file = (name: string): string => join(folder, name);

test('what is wrong with the file ends the node at once, with the line', async () => {
  writeFileSync(file('bad.conf'), 'listener 1883\nmax_keepalive ten\n');
  const node = new NodeChild(['--mosquitto-config', file('bad.conf')], {}, NODE);
  assert.is(await node.ended, 2);
  assert.match(node.stderr[0]!, /^SLUICE_CONFIG_FILE: .*bad\.conf:2: max_keepalive is an integer from 10 to 65535$/);
});

test('what has no counterpart is in the log, and on stderr when the file is only looked at', async () => {
  const port = await freePort();
  writeFileSync(
    file('old.conf'),
    `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_topic_alias 3\nqueue_qos0_messages true\n`,
  );
  const node = new NodeChild(
    ['--mosquitto-config', file('old.conf'), '--set', 'http.port=-1', '--set', 'node.threads=1'],
    {},
    NODE,
  );
  try {
    assert.equal((await node.ready()).mqtt, { [`mqtt-${port}`]: `127.0.0.1:${port}` });
    const warnings = node.stderr.filter((line) => line.includes('has no counterpart'));
    assert.is(warnings.length, 2, node.stderr.join('\n'));
    assert.match(warnings[0]!, /old\.conf:4: queue_qos0_messages/);
  } finally {
    node.kill('SIGTERM');
    await node.ended;
  }
  const look = new NodeChild(['--mosquitto-config', file('old.conf'), '--print-config'], {}, NODE);
  assert.is(await look.ended, 0);
  assert.ok(look.stdout.some((line) => line.startsWith('mqtt.listeners = [{ name = ')));
  assert.is(look.stderr.length, 2);
});

test.run();
