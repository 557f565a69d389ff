/** Whose a data directory is, and what is in it that is not ours. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { Broker } from './broker.ts';

const scratch = mkdtempSync(join(tmpdir(), 'sluice-directory-'));
const test = suite('data directory');
test.after(() => rmSync(scratch, { recursive: true, force: true }));

test('a second node on the same directory is refused, and works when the first has been killed', async () => {
  const data = join(scratch, 'shared');
  const first = await Broker.start({ 'node.data': data });
  const settings = ['mqtt.tcp.port=0', 'mqtt.ws.port=-1', 'http.port=0', `node.data=${data}`].flatMap((setting) => [
    '--set',
    setting,
  ]);
  const second = new NodeChild(settings, {}, NODE);
  assert.is(await second.ended, 1);
  assert.match(second.stderr.join('\n'), new RegExp(`SLUICE_STORAGE_LOCKED: .* in use by node 1, process ${first.pid}`));
  first.node.kill('SIGKILL');
  await first.node.ended;
  const third = await Broker.start({ 'node.data': data });
  assert.is(await third.stop(), 0);
});

test('a data directory with a foreign segment is refused and left as it is', async () => {
  const data = join(scratch, 'foreign');
  const first = await Broker.start({ 'node.data': data });
  await first.stop();
  const path = join(data, 'log', 'shared', '0000000000000009.seg');
  writeFileSync(path, 'not a segment');
  const second = new NodeChild(
    ['mqtt.tcp.port=0', 'mqtt.ws.port=-1', 'http.port=0', `node.data=${data}`].flatMap((s) => ['--set', s]),
    {},
    NODE,
  );
  assert.is(await second.ended, 1);
  assert.match(second.stderr.join('\n'), /SLUICE_STORAGE_FOREIGN/);
  assert.is(readFileSync(path, 'utf8'), 'not a segment');
  assert.ok(existsSync(join(data, 'log', 'shared', '0000000000000001.seg')));
});

test.run();
