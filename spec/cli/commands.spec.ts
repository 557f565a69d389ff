/** The commands as processes against a broker that nobody here wrote: output, exit codes, and nothing but JSON with --json. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SCENARIOS } from '../../bench/scenario.ts';
import { startTarget } from '../../bench/targets/start-target.ts';
import type { Target } from '../../bench/targets/target.ts';

const CLI = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sluice(args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: 'pipe' });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    child.once('close', (code) => resolve({ code, ...output }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

const test = suite('commands');
let broker: Target;
let at: string[] = [];

test.before(async () => {
  broker = await startTarget('aedes', {});
  at = ['-h', broker.endpoint.host, '-p', String(broker.endpoint.port), '-V', '311'];
});
test.after(() => broker.stop());

test('pub leaves a retained message that sub prints', async () => {
  const published = await sluice(['pub', ...at, '-t', 'home/oven', '-m', '180', '-q', '1', '-r', '--json']);
  assert.equal([published.code, published.stderr], [0, '']);
  assert.equal(JSON.parse(published.stdout), { topic: 'home/oven', qos: 1, retain: true, published: 1, bytes: 3 });
  const received = await sluice(['sub', ...at, '-t', 'home/+', '-v', '-C', '1', '-W', '20']);
  assert.equal(received, { code: 0, stdout: 'home/oven 180\n', stderr: '' });
});

test('every line of standard input is a message, at every QoS', async () => {
  for (const qos of ['0', '1', '2']) {
    const { code, stdout } = await sluice(['pub', ...at, '-t', 'lines', '-q', qos, '--json'], 'one\ntwo\n\n');
    assert.equal([code, JSON.parse(stdout).published, JSON.parse(stdout).bytes], [0, 3, 6]);
  }
});

test('sub without its messages in time fails', async () => {
  const { code, stderr } = await sluice(['sub', ...at, '-t', 'nothing', '-C', '2', '-W', '0.2']);
  assert.is(code, 1);
  assert.match(stderr, /0 of 2 messages/);
  assert.is((await sluice(['sub', ...at, '-t', 'nothing', '-W', '0.2'])).code, 0);
});

test('wrong usage is code 2 and says what is wrong', async () => {
  const wrong: [string[], RegExp][] = [
    [['pub', '-m', 'x'], /--topic/],
    [['pub', '-t', 'a/#', '-m', 'x'], /wildcards/],
    [['pub', '-t', 'a', '-m', 'x', '-n'], /one of -m/],
    [['pub', '-t', 'a', '-q', '3'], /0, 1 or 2/],
    [['sub', '-t', 'a', '-c'], /client id/],
    [['sbu'], /Did you mean sub/],
    [['bench', 'fanin'], /there are fanin-q0/],
    [['bench', 'fanin-q0', '--target', 'mosquitoo'], /no such target/],
    [['bench', 'fanin-q0', '--peer', 'emqx'], /no such target/],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await sluice(args);
    assert.is(code, 2, args.join(' '));
    assert.match(stderr, message);
  }
});

test('nobody there is code 3', async () => {
  for (const args of [
    ['pub', '-p', '1', '-t', 'a', '-m', 'x'],
    ['sub', '-p', '1', '-t', 'a'],
    ['bench', 'fanin-q0', '--target', '127.0.0.1:1', '--json'],
  ]) {
    const { code, stdout, stderr } = await sluice(args);
    assert.equal([code, stdout], [3, ''], args.join(' '));
    assert.match(stderr, /cannot reach 127.0.0.1:1/);
  }
});

test('bench --json prints one object per run and a comparison', async () => {
  const { host, port } = broker.endpoint;
  const short = ['--seconds', '0.2', '--warmup', '0.1', '--payload', '8000', '--block', '8192', '--json'];
  const { code, stdout, stderr } = await sluice([
    'bench',
    'fanin-q0',
    '--target',
    `${host}:${port}`,
    '--peer',
    'ceiling',
    '--rounds',
    '1',
    ...short,
  ]);
  assert.equal([code, stderr], [0, '']);
  const [ours, theirs, compared] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal([ours.scenario, ours.target, theirs.target, ours.lost], ['fanin-q0', `${host}:${port}`, 'ceiling', 0]);
  assert.ok(ours.delivered > 0 && theirs.delivered > 0);
  assert.equal([compared.scenario, compared.comparison.rounds], ['fanin-q0', 1]);
});

test('help, version and the list of scenarios', async () => {
  for (const args of [['--help'], ['pub', '--help'], ['sub', '--help'], ['bench', '--help'], ['--version']]) {
    assert.is((await sluice(args)).code, 0, args.join(' '));
  }
  const { stdout } = await sluice(['bench', '--list']);
  assert.is(stdout.trimEnd().split('\n').length, SCENARIOS.length);
});

test.run();
