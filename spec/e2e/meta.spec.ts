/** The metadata of a real node by its commands: values, conditions, pages, watches; kept over kill -9 and a restart. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCli } from '../../src/nodes/cli/program.ts';
import { NODE, NodeChild } from '../nodes/node-child.ts';

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const test = suite('sluice meta');
const data = mkdtempSync(join(tmpdir(), 'sluice-meta-'));
let node: NodeChild;
let at = '';

async function start(): Promise<void> {
  node = new NodeChild(
    ['--set', 'mqtt.tcp.port=0', '--set', 'mqtt.ws.port=-1', '--set', 'http.port=0', '--set', `node.data=${data}`],
    {},
    NODE,
  );
  at = String((await node.ready()).http);
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command in this process: starting one takes longer than what it does. */
async function meta(...args: readonly string[]): Promise<Outcome> {
  const output = { stdout: '', stderr: '' };
  const { stdout, stderr } = process;
  const writes = [stdout.write, stderr.write] as const;
  stdout.write = ((text: string) => (output.stdout += text) !== '') as typeof stdout.write;
  stderr.write = ((text: string) => (output.stderr += text) !== '') as typeof stderr.write;
  try {
    const code = await runCli(['meta', ...args, '--node', at]);
    return { code, ...output };
  } finally {
    [stdout.write, stderr.write] = writes;
  }
}

const http = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`http://${at}/api/v1/meta/${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });

test.before(start);
test.after(async () => {
  node.kill('SIGTERM');
  await node.ended;
  rmSync(data, { recursive: true, force: true });
});

const bodyOf = async (response: Promise<Response>): Promise<Record<string, unknown>> =>
  (await (await response).json()) as Record<string, unknown>;
const put = (key: string, value: string, more: object = {}): Promise<Record<string, unknown>> =>
  bodyOf(http('PUT', 'key', { key, value, ...more }));

test('a key has a value until it is deleted', async () => {
  const made = await meta('put', 'greeting', 'hello', '--json');
  const { revision } = JSON.parse(made.stdout) as { revision: number };
  assert.equal([made.code, JSON.parse(made.stdout)], [0, { revision, modified: revision }]);
  assert.equal(await meta('get', 'greeting'), { code: 0, stdout: 'hello\n', stderr: '' });
  const whole = { key: 'greeting', value: 'hello', created: revision, modified: revision, version: 1 };
  assert.equal(await bodyOf(http('GET', 'key?key=greeting')), whole);
  const deleted = await meta('delete', 'greeting');
  assert.is(deleted.code, 0);
  assert.match(deleted.stdout, /^revision \d+\n$/);
  assert.is((await bodyOf(http('GET', 'key?key=greeting'))).code, 'SLUICE_META_NO_KEY');
  assert.is((await http('DELETE', 'key?key=greeting')).status, 404);
});

test('conditions hold, or nothing is done', async () => {
  const { modified } = await put('lock', 'mine', { expected: 0 });
  const refused = await put('lock', 'yours', { expected: 0 });
  assert.is(refused.code, 'SLUICE_META_CONFLICT');
  assert.match(String(refused.detail), new RegExp(`last changed in revision ${modified}`));
  assert.ok('revision' in (await put('lock', 'yours', { expected: modified })));
  assert.is((await bodyOf(http('GET', 'key?key=lock'))).value, 'yours');
  const leased = await put('x', 'y', { lease: 77 });
  assert.is(leased.code, 'SLUICE_META_REFUSED');
  assert.match(String(leased.detail), /no such lease/);
});

test('pages of one revision, in order of bytes; bytes that are no text', async () => {
  await Promise.all(['b', 'a', 'ä', 'c'].map((name) => http('PUT', 'key', { key: `page/${name}`, value: name })));
  await http('PUT', 'key', { key: 'page/raw', value: '/wA=', encoding: 'base64' });
  const found = await bodyOf(http('GET', 'keys?prefix=page/'));
  assert.equal(
    (found.keys as { key: string; value: string; encoding?: string }[]).map(({ key, value, encoding }) => [key, value, encoding]),
    [
      ['page/a', 'a', undefined],
      ['page/b', 'b', undefined],
      ['page/c', 'c', undefined],
      ['page/raw', '/wA=', 'base64'],
      ['page/ä', 'ä', undefined],
    ],
  );
  const page = (await (await http('GET', 'keys?prefix=page/&limit=2')).json()) as { revision: number; next: string };
  await http('PUT', 'key', { key: 'page/bb', value: 'late' });
  const rest = await http('GET', `keys?prefix=page/&from=${encodeURIComponent(page.next)}&revision=${page.revision}`);
  assert.equal(
    ((await rest.json()) as { keys: { key: string }[] }).keys.map(({ key }) => key),
    ['page/c', 'page/raw', 'page/ä'],
  );
  assert.match((await meta('range', 'page/')).stdout, /page\/bb/);
});

function watching(...args: readonly string[]): {
  readonly child: ChildProcess;
  readonly lines: string[];
  until(count: number): Promise<void>;
} {
  const child = spawn(process.execPath, [CLI, 'meta', 'watch', ...args, '--node', at], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let wake = (): void => {};
  createInterface({ input: child.stdout! }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  const until = async (count: number): Promise<void> => {
    while (lines.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { child, lines, until };
}

test('a watch prints what was since, and then what happens', async () => {
  const { revision } = await put('w/1', 'one');
  const watch = watching('w/', '--since', String(revision));
  try {
    await watch.until(1);
    await http('PUT', 'key', { key: 'w/2', value: 'two' });
    await http('DELETE', 'key?key=w/1');
    await watch.until(3);
    const from = Number(revision);
    assert.equal(
      watch.lines.map((line) => line.replace(/^\d+ {2}/, '')),
      ['w/1  one', 'w/2  two', 'deleted  w/1'],
    );
    assert.is(watch.lines[0]!.split(' ')[0], String(from));
  } finally {
    watch.child.kill();
  }
});

interface NodeView {
  readonly node: number;
  readonly state: string;
  readonly epoch: number;
}

/** Its own node, as the controller has it. */
async function ownNode(isRight: (view: NodeView) => boolean): Promise<NodeView> {
  for (let left = 400; left > 0; left--) {
    const { nodes } = (await (await fetch(`http://${at}/api/v1/nodes`)).json()) as { nodes: readonly NodeView[] };
    const own = nodes.find((view) => view.node === 1);
    if (own !== undefined && isRight(own)) return own;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the controller does not say so');
}

test('what was acknowledged is there after kill -9', async () => {
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => http('PUT', 'key', { kind: 'data', key: `kept/${i}`, value: `v${i}` })),
  );
  const before = await bodyOf(http('GET', 'keys?prefix=kept/&kind=data'));
  const { epoch } = await ownNode(({ state }) => state === 'up');
  node.kill('SIGKILL');
  await node.ended;
  await start();
  await ownNode((view) => view.state === 'up' && view.epoch > epoch);
  const after = await bodyOf(http('GET', 'keys?prefix=kept/&kind=data'));
  assert.equal(after.keys, before.keys);
  assert.is((after.keys as unknown[]).length, 200);
});

test('what is asked badly is said to be', async () => {
  for (const [method, path, body, status] of [
    ['PUT', 'key', { key: '', value: 'x' }, 400],
    ['PUT', 'key', { key: 'x' }, 400],
    ['PUT', 'key', { key: 'x', value: 'y', kind: 'nothing' }, 400],
    ['PUT', 'key', { key: 'x', value: 'y', expected: -1 }, 400],
    ['GET', 'key', undefined, 400],
    ['GET', 'keys?limit=x', undefined, 400],
    ['GET', 'keys?revision=999999', undefined, 404],
    ['GET', 'watch?since=x', undefined, 400],
  ] as const) {
    assert.is((await http(method, path, body)).status, status, `${method} ${path}`);
  }
});

test.run();
