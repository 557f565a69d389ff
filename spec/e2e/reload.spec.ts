// A configuration that is read again while the node runs: what can change does, what cannot is named, and a bad one changes nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { cliAt } from './in-process-cli.ts';
import { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const NAME_INVALID = 0x90;

const test = suite('reload');
const folder = mkdtempSync(join(tmpdir(), 'sluice-reload-'));
const file = join(folder, 'node.toml');
test.after(() => rmSync(folder, { recursive: true }));

const toml = (more: string): string => `
[node]
data = "${folder}"
threads = 1
[storage]
enabled = false
[log]
level = "warn"
[http]
port = 0
[mqtt]
tcp = { port = 0 }
sys_interval_s = 0
${more}
`;

test('SIGHUP and an administrative request read it again', async () => {
  writeFileSync(file, toml(''));
  const node = new NodeChild(['--config', file], {}, NODE);
  try {
    const { http, mqtt } = await node.ready();
    const client = await RawClient.connect(Number(mqtt!.tcp!.split(':').pop()), { clientId: 'c' });
    await client.subscribe('#');
    const reload = async (): Promise<{ status: number; body: Record<string, unknown> }> => {
      const response = await fetch(`http://${http}/api/v1/config/reload`, { method: 'POST' });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    assert.equal((await reload()).body, { applied: [], refused: [] });
    client.publish('a', 'x');
    assert.is((await client.nextPublish()).topic, 'a');

    writeFileSync(file, toml('overlap = "separate"\nretained = { message_bytes_max = 40 }\nrewrite = { publish = ["a ^a$ b"] }'));
    assert.equal((await reload()).body, {
      applied: ['mqtt.retained.message_bytes_max', 'mqtt.rewrite.publish'],
      refused: ['mqtt.overlap'],
    });
    await until('the rule is in force', async () => {
      client.publish('a', 'x');
      return (await client.nextPublish()).topic === 'b';
    });
    const { keys } = (await (await fetch(`http://${http}/api/v1/config`)).json()) as { keys: Record<string, { value: unknown }> };
    assert.equal(keys['mqtt.rewrite.publish']!.value, ['a ^a$ b']);
    assert.not.equal(keys['mqtt.overlap']!.value, 'separate');

    writeFileSync(file, toml('rewrite = { publish = ["a ^(a$ c"] }'));
    const bad = await reload();
    assert.equal([bad.status, bad.body.code], [400, 'SLUICE_CONFIG_BAD_VALUE']);
    writeFileSync(file, toml('nonsense = 1'));
    assert.is((await reload()).body.code, 'SLUICE_CONFIG_UNKNOWN_KEY');
    client.publish('a', 'x');
    assert.is((await client.nextPublish()).topic, 'b', 'what was before stays');

    writeFileSync(file, toml('delayed = { enabled = false }'));
    node.kill('SIGHUP');
    await until('the signal has been heard', async () => {
      client.publish('$delayed/100/x', 'x', { qos: 1, packetId: 1 });
      const answer = (await client.next('puback')) as unknown as { reasonCode?: number };
      return answer.reasonCode === NAME_INVALID;
    });
    client.publish('a', 'x');
    assert.is((await client.nextPublish()).topic, 'a', 'there is no rule any more');
    assert.equal(await cliAt(http!, 'config', 'reload'), { applied: [], refused: [] });
    client.destroy();
  } finally {
    node.kill('SIGTERM');
  }
  assert.is(await node.ended, 0, node.stderr.join('\n'));
});

test.run();
