import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import { NodeChild, say } from './node-child.ts';

const FREE_PORTS = ['--set', 'mqtt.tcp.port=0', '--set', 'mqtt.ws.port=-1', '--set', 'http.port=0', '--set', 'node.threads=2'];
const folder = mkdtempSync(join(tmpdir(), 'sluice-node-'));
const started: NodeChild[] = [];

function start(args: readonly string[], environment?: Record<string, string>): NodeChild {
  const node = new NodeChild(args, environment);
  started.push(node);
  return node;
}

async function serve(...more: string[]): Promise<{ node: NodeChild; http: string; mqtt: string; pid: number }> {
  const node = start([...FREE_PORTS, ...more]);
  const { http, mqtt, pid } = await node.ready();
  return { node, http: `http://${http}`, mqtt: mqtt?.tcp ?? '', pid };
}

async function stop(node: NodeChild): Promise<void> {
  node.kill('SIGTERM');
  assert.is(await node.ended, 0, node.stderr.join('\n'));
}

/** Asks `path` until `isDone`; each round waits for the node's answer. */
async function poll(url: string, isDone: (response: Response, text: string) => boolean): Promise<void> {
  for (let round = 0; round < 20_000; round++) {
    const response = await fetch(url);
    if (isDone(response, await response.text())) return;
  }
  assert.unreachable(`${url} never became what was waited for`);
}

const test = suite('node process');
test.after(() => {
  for (const node of started) node.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

test('READY stands alone on stdout, health and metrics answer, SIGTERM ends with 0', async () => {
  const { node, http, mqtt, pid } = await serve();
  assert.match(mqtt, /^127\.0\.0\.1:[1-9]\d*$/);
  assert.match(await say(mqtt, 'who'), /^[12] 0$/);

  for (const path of ['live', 'ready', 'cluster']) {
    const response = await fetch(`${http}/health/${path}`);
    assert.is(response.status, 200, path);
    assert.is(((await response.json()) as { status: string }).status, 'ok');
  }
  const metrics = await (await fetch(`${http}/metrics`)).text();
  for (const thread of [0, 1, 2]) {
    assert.match(metrics, new RegExp(`^sluice_runtime_event_loop_utilization_ratio\\{thread="${thread}"\\} [\\d.e-]+$`, 'm'));
    assert.match(metrics, new RegExp(`^sluice_runtime_mailbox_messages\\{thread="${thread}"\\} \\d+$`, 'm'));
    assert.match(metrics, new RegExp(`^sluice_runtime_ring_bytes\\{thread="${thread}"\\} \\d+$`, 'm'));
  }
  assert.match(metrics, /^sluice_runtime_turns_total [1-9]/m);
  assert.match(metrics, /^sluice_mqtt_messages_received_total\{qos="1"\} 0$/m);
  assert.match(metrics, /^# TYPE sluice_mqtt_connections gauge$/m);

  const actors = (await (await fetch(`${http}/api/v1/actors`)).json()) as {
    threads: { thread: number; root: { children: { name: string }[] } }[];
  };
  assert.equal(
    actors.threads.map(({ thread }) => thread),
    [0, 1, 2, 3], // the last one is the store
  );
  assert.is(actors.threads[1]?.root.children[0]?.name, 'listener');
  const about = (await (await fetch(`${http}/api/v1/node`)).json()) as Record<string, unknown>;
  assert.equal([about.node, about.pid, about.phase], [1, pid, 'running']);
  const config = (await (await fetch(`${http}/api/v1/config`)).json()) as { keys: Record<string, { source: string }> };
  assert.is(config.keys['mqtt.tcp.port']?.source, 'flag');

  await stop(node);
  assert.is(node.stdout.length, 1, 'nothing but READY on stdout');
  for (const line of node.stderr) assert.type(JSON.parse(line).msg, 'string');
});

test('listeners that are off are absent from READY', async () => {
  const node = start(['--set', 'mqtt.tcp.port=-1', '--set', 'http.port=-1', '--set', 'node.threads=1', '--set', 'node.id=7']);
  const ready = await node.ready();
  assert.equal(Object.keys(ready), ['node', 'pid']);
  assert.is(ready.node, 7);
  await stop(node);
});

test('a second node on the same port exits with one coded line that names the key, and the first keeps serving', async () => {
  const { node, http, mqtt } = await serve();
  for (const [key, address] of [
    ['mqtt.tcp.port', mqtt],
    ['http.port', http.slice('http://'.length)],
  ] as const) {
    const port = address.slice(address.lastIndexOf(':') + 1);
    const second = start([...FREE_PORTS, '--set', `${key}=${port}`, '--set', 'log.level=silent']);
    assert.is(await second.ended, 1);
    assert.equal(second.stderr, [
      `SLUICE_LISTEN_ADDRESS_IN_USE: ${key}: cannot listen on ${address}: another process listens there`,
    ]);
    assert.equal(second.stdout, []);
  }
  assert.match(await say(mqtt, 'who'), /^[12] 0$/);
  await stop(node);
});

test('a wrong option or configuration exits with 2 and one line, whatever its source', async () => {
  writeFileSync(join(folder, 'bad.toml'), '[mqtt.tcp]\nprot = 1\n');
  const table: [string[], Record<string, string>, RegExp][] = [
    [
      ['--set', 'mqtt.tcp.prot=1'],
      {},
      /^SLUICE_CONFIG_UNKNOWN_KEY: mqtt\.tcp\.prot = "1" \(--set\): .*nearest key is mqtt\.tcp\.port/,
    ],
    [['--set', 'mqtt.tcp.port=x'], {}, /^SLUICE_CONFIG_BAD_VALUE: mqtt\.tcp\.port = "x".*an integer from -1 to 65535/],
    [[], { SLUICE_HTTP__PORT: '99999' }, /^SLUICE_CONFIG_BAD_VALUE: http\.port = "99999" \(SLUICE_HTTP__PORT\)/],
    [['--config', join(folder, 'bad.toml')], {}, /^SLUICE_CONFIG_UNKNOWN_KEY: mqtt\.tcp\.prot = 1 \(.*bad\.toml\)/],
    [['--config', join(folder, 'none.toml')], {}, /^SLUICE_CONFIG_FILE: /],
    [['--prot', '1'], {}, /^SLUICE_NODE_USAGE: "--prot": no such option/],
    [['--set', 'mqtt.tcp.host=0.0.0.0'], {}, /^SLUICE_LISTEN_INSECURE: mqtt\.tcp\.host/],
    [['--check-config', '--set', 'mqtt.tcp.host=0.0.0.0'], {}, /^SLUICE_LISTEN_INSECURE: mqtt\.tcp\.host/],
    [
      ['--set', `auth.users_file=${join(folder, 'none')}`, ...FREE_PORTS, '--set', 'log.level=silent'],
      {},
      /^SLUICE_AUTH_USERS_FILE: .*ENOENT/,
    ],
  ];
  await Promise.all(
    table.map(async ([args, environment, line]) => {
      const node = start(args, environment);
      assert.is(await node.ended, 2, node.stderr.join('\n'));
      const coded = node.stderr.filter((text) => !text.startsWith('{'));
      assert.is(coded.length, 1, node.stderr.join('\n'));
      assert.match(coded[0] ?? '', line);
      assert.equal(node.stdout, []);
    }),
  );
});

test('--help, --version, --check-config and --print-config answer on stdout and exit with 0', async () => {
  writeFileSync(join(folder, 'good.toml'), '[http]\nport = 1111\n');
  const config = ['--config', join(folder, 'good.toml'), '--set', 'node.id=9'];
  const table: [string[], RegExp][] = [
    [['--help'], /^Usage: node dist\/node\.js/],
    [['--version'], /^sluice \d+\.\d+\.\d+/],
    [['--check-config', ...config], /^the configuration is good, digest [0-9a-f]{12}$/],
    [['--check-config', '--json', ...config], /^\{"ok":true,"digest":"[0-9a-f]{12}"\}$/],
    [
      ['--print-config', ...config],
      /http\.port = 1111 +# file ".*good\.toml" · SLUICE_HTTP__PORT[\s\S]*log\.level = "debug" +# env "SLUICE_LOG__LEVEL"/,
    ],
    [['--print-config', '--json', ...config], /"node\.id":\{"value":9,"source":"flag"/],
  ];
  await Promise.all(
    table.map(async ([args, output]) => {
      const node = start(args, { SLUICE_LOG__LEVEL: 'debug' });
      assert.is(await node.ended, 0, node.stderr.join('\n'));
      assert.match(node.stdout.join('\n'), output);
      assert.equal(node.stderr, []);
    }),
  );
});

test('a reactor that dies comes back with the port, the other one serves on, and metrics tell', async () => {
  const { node, http, mqtt } = await serve();
  const victim = (await say(mqtt, 'die')).split(' ')[0];
  const log = await node.logged('reactor died and is started again');
  assert.is(String(log.thread), victim);
  assert.match(String(log.error), 'told to die');
  await poll(`${http}/api/v1/node`, (_response, text) => text.includes('"restarts":1'));
  assert.is((await fetch(`${http}/health/ready`)).status, 200);
  const answers = new Set<string>();
  while (!answers.has(`${victim} 1`))
    for (const answer of await Promise.all(Array.from({ length: 16 }, () => say(mqtt, 'who')))) answers.add(answer);
  await poll(`${http}/metrics`, (_response, text) => /^sluice_runtime_reactor_restarts_total 1$/m.test(text));
  await stop(node);
});

test('while a reactor is dead the node is alive but not ready, and its gauges are gone', async () => {
  const { node, http, mqtt } = await serve('--set', 'cluster.name=never-returns');
  // Its answer may go down with it.
  await say(mqtt, 'die').catch(() => {});
  const { thread: victim } = await node.logged('reactor died and is started again');
  const ready = await fetch(`${http}/health/ready`);
  assert.is(ready.status, 503);
  assert.match(await ready.text(), `down: ${victim} of 2`);
  assert.is((await fetch(`${http}/health/live`)).status, 200);
  assert.match(await (await fetch(`${http}/metrics`)).text(), /^sluice_runtime_reactors_up 1$/m);
  // It does not answer, or its successor does already, which never gets as far as a listener.
  const { threads } = (await (await fetch(`${http}/api/v1/actors`)).json()) as {
    threads: { thread: number; error?: string; incarnation?: number; root?: { children: unknown[] } }[];
  };
  const { error, incarnation, root } = threads.find(({ thread }) => thread === victim)!;
  assert.ok(error !== undefined || (incarnation === 1 && root?.children.length === 0), `${error} ${incarnation}`);
  await stop(node);
});

test('when its reactor keeps dying the node gives up with a code', async () => {
  const { node, mqtt } = await serve('--set', 'node.threads=1');
  let isOver = false;
  node.ended.then(() => {
    isOver = true;
  });
  while (!isOver) await say(mqtt, 'die').catch(() => {});
  assert.is(await node.ended, 1);
  assert.is((await node.logged('a reactor died too often, the node stops')).code, 'SLUICE_NODE_REACTOR_LOST');
});

test('a reactor that cannot boot ends the node with one coded line', async () => {
  const node = start([...FREE_PORTS, '--set', 'cluster.name=cannot-boot', '--set', 'log.level=silent']);
  assert.is(await node.ended, 1);
  assert.equal(node.stderr, ['SLUICE_NODE_BOOT: a thread could not boot: no reactor today']);
});

test('keys without effect in this version are accepted and named in the log', async () => {
  const { node } = await serve('--set', 'kafka.port=9092');
  assert.is((await node.logged('this key has no effect in this version')).key, 'kafka.port');
  await stop(node);
});

async function isLetIn(mqtt: Parameters<typeof say>[0], login: string): Promise<boolean> {
  return (JSON.parse(await say(mqtt, login)) as { readonly ok: boolean }).ok;
}

test('passwords are checked for the reactors; SIGHUP reads the file again and keeps the old users when it is bad', async () => {
  const file = join(folder, 'users');
  writeFileSync(file, `anna:${hashPassword('right', 10)}\n`);
  const { node, mqtt } = await serve('--set', `auth.users_file=${file}`);
  assert.is(await isLetIn(mqtt, 'login anna right'), true);
  assert.is(await isLetIn(mqtt, 'login anna wrong'), false);
  assert.is(await isLetIn(mqtt, 'login otto right'), false);

  writeFileSync(file, 'nonsense\n');
  node.kill('SIGHUP');
  assert.is((await node.logged('a file of users or rules is bad, what was before stays')).code, 'SLUICE_AUTH_USERS_FILE');
  assert.is(await isLetIn(mqtt, 'login anna right'), true);

  writeFileSync(file, `otto:${hashPassword('right', 10)}\n`);
  node.kill('SIGHUP');
  await node.logged('the files of users and rules were read again');
  assert.is(await isLetIn(mqtt, 'login anna right'), false);
  assert.is(await isLetIn(mqtt, 'login otto right'), true);
  await stop(node);
});

test('a reactor that does not come to rest is cut off: SIGTERM still ends with 0', async () => {
  const { node, http } = await serve('--set', 'cluster.name=never-drains');
  node.kill('SIGTERM');
  await node.logged('node is draining');
  const ready = await fetch(`${http}/health/ready`);
  assert.is(ready.status, 503, 'health answers while the node drains');
  assert.is(await node.ended, 0, node.stderr.join('\n'));
});

test('a second signal ends a node that drains at once', async () => {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const { node } = await serve('--set', 'cluster.name=never-drains');
    node.kill('SIGTERM');
    await node.logged('node is draining');
    node.kill(signal);
    assert.is(await node.ended, code);
  }
});

test.run();
