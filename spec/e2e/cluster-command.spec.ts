// `sluice cluster`: nodes of this machine that outlive the command, found again by their directory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeFacts } from '../../src/nodes/cli/local-nodes.ts';
import { until } from './until.ts';

const CLI = new URL('../../cli.js', import.meta.url).pathname;
const test = suite('sluice cluster');
const folder = mkdtempSync(join(tmpdir(), 'sluice-cluster-command-'));

async function cluster(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [CLI, 'cluster', ...args, ...(args.includes('--dir') ? [] : ['--dir', folder])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  return { code: code as number, out, err };
}

async function nodes(): Promise<NodeFacts[]> {
  return JSON.parse((await cluster('status', '--json')).out) as NodeFacts[];
}

test.after(async () => {
  for (const { pid } of await nodes()) if (pid !== undefined) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('nodes are started, seen, missed when they are gone, started again and stopped', async () => {
  assert.is((await cluster('status')).code, 2, 'there is none yet');
  const started = await cluster('start', '-n', '2', '--port-base', '0', '--set', 'node.threads=1', '--json');
  assert.is(started.code, 0, started.err);
  const [first, second] = JSON.parse(started.out) as [NodeFacts, NodeFacts];
  assert.equal([first.state, second.state], ['running', 'running']);
  assert.ok(first.http !== undefined && first.mqtt !== undefined && first.wire !== undefined);
  assert.equal(await nodes(), [first, second]);
  assert.is((await cluster('health')).code, 0);

  process.kill(second.pid!, 'SIGKILL');
  await until('it is missed', async () => (await nodes())[1]!.state === 'stopped');
  const health = await cluster('health');
  assert.is(health.code, 1);
  assert.match(health.out, /node 1: .*\nnode 2: does not answer/);

  assert.is((await cluster('start', '-n', '3')).code, 2, 'it is a cluster of two');
  const again = await cluster('start', '-n', '2', '--json');
  assert.is(again.code, 0, again.err);
  assert.is((JSON.parse(again.out) as NodeFacts[])[0]!.pid, first.pid, 'who runs is left alone');

  assert.is((await cluster('stop')).code, 0);
  assert.ok((await nodes()).every(({ state }) => state === 'stopped'));

  writeFileSync(join(folder, 'node-1.json'), JSON.stringify({ node: 1, pid: process.pid }));
  assert.is((await nodes())[0]!.state, 'stopped', 'its number is that of another process by now');
});

test('when a node cannot start, those that cannot serve without it are stopped', async () => {
  const alone = mkdtempSync(join(tmpdir(), 'sluice-cluster-command-'));
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  try {
    const { port } = taken.address() as AddressInfo;
    const started = await cluster('start', '-n', '2', '--port-base', '0', '--json', '--dir', alone);
    assert.is(started.code, 0, started.err);
    assert.is((await cluster('stop', '--dir', alone)).code, 0);
    const path = join(alone, 'cluster.json');
    const plan = JSON.parse(readFileSync(path, 'utf8'));
    plan.nodes[1].http = port;
    writeFileSync(path, JSON.stringify(plan));
    const again = await cluster('start', '-n', '2', '--dir', alone);
    assert.is(again.code, 1);
    assert.match(again.err, /node 2 ended with/, 'what it came from is what is said');
    await until('nobody is left', () => processesWith(alone).length === 0);
  } finally {
    taken.close();
    for (const pid of processesWith(alone)) process.kill(pid, 'SIGKILL');
    rmSync(alone, { recursive: true, force: true });
  }
});

/** Nodes whose data is in that directory. */
function processesWith(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLine(pid).includes(`node.data=${directory}`))
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test.run();
