// Pastes the shell blocks of the pages of docs/ (those without a language behind the fence) into a shell, against a node that is made for it, and says which fail: `npm run docs:try [PAGE…]`.
// Ports and folders are put in the place of those on the page, so that nothing that runs on this machine is met; a pause behind the start of a node becomes a wait for it.
// A block is fine when its last command says so and every `mosquitto_sub` that it leaves behind has got its messages. Needs bash, curl and mosquitto's clients.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const PAGES = ['mqtt-extensions', 'bridge', 'security'];
const BLOCK_MS_MAX = 60_000;
/** Other ports that a page may name. */
const NAMED_PORTS = [1884, 1885, 1886, 1887, 8091, 8092, 8097];

const PRELUDE = `
mosquitto_pub() { case " $* " in *' -p '*) command mosquitto_pub "$@" ;; *) command mosquitto_pub -p "$MQTT_PORT" "$@" ;; esac; }
mosquitto_sub() { case " $* " in *' -p '*) command mosquitto_sub "$@" ;; *) command mosquitto_sub -p "$MQTT_PORT" "$@" ;; esac; }
sluice() { node dist/cli.js "$@"; }
ready() { for _ in $(seq 300); do curl -fs "http://127.0.0.1:$1/health/ready" >/dev/null && return; sleep 0.1; done; echo "no node at $1"; return 1; }
answers() { for _ in $(seq 300); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; echo "nobody listens on $1"; return 1; }
`;

interface Block {
  readonly line: number;
  readonly text: string;
}

function blocksOf(page: string): Block[] {
  const lines = readFileSync(join(ROOT, 'docs', `${page}.md`), 'utf8').split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = lines[i]!;
    if (!fence.startsWith('```')) continue;
    const end = lines.indexOf('```', i + 1);
    if (fence === '```') blocks.push({ line: i + 1, text: lines.slice(i + 1, end).join('\n') });
    i = end;
  }
  return blocks;
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

interface Place {
  readonly folder: string;
  readonly mqtt: number;
  readonly http: number;
  readonly named: ReadonlyMap<number, number>;
}

/** A node that is the whole block runs on while the page goes on. */
const isNode = (text: string): boolean => /^node dist\/node\.js .*[^&]$/.test(text) && !text.includes('\n');

function placed(text: string, { folder, named }: Place): string {
  const elsewhere = text
    .replace(/\b(\d{4})\b/g, (whole, port) => String(named.get(Number(port)) ?? whole))
    .replaceAll('/tmp/', `${folder}/`);
  // `… --set mqtt.tcp.port=P … &` and the pause behind it.
  return elsewhere.replace(/(mqtt\.tcp\.port=(\d+)[^\n]*&\n)sleep 3/g, '$1answers $2');
}

interface Shell {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** Nobody of its group is there any more. */
  readonly gone: Promise<void>;
  readonly output: () => string;
}

function run(script: string, place: Place): Shell {
  const environment = { ...process.env, MQTT_PORT: String(place.mqtt), SLUICE_NODE: `127.0.0.1:${place.http}` };
  // A process group of its own: what a block leaves behind ends with it.
  const child = spawn('bash', ['-c', script], {
    cwd: place.folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  // The pipes are closed when the last one that holds them has ended.
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return { child, ended, gone, output: () => output };
}

function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, 'SIGKILL');
  } catch {} // all of it has ended by itself
}

async function untilReady(http: string, place: Place): Promise<void> {
  const code = await run(`${PRELUDE}\nready ${http}`, place).ended;
  if (code !== 0) throw new Error(`no node at ${http}`);
}

/** Waits for what has been told how many messages to expect. */
const RECEIVERS = `
for each in $(jobs -p); do case "$(cat "/proc/$each/cmdline" 2>/dev/null | tr '\\0' ' ')" in *mosquitto_sub*) wait "$each" || exit 1 ;; esac; done
`;

async function tryBlock({ text }: Block, place: Place, nodes: ChildProcess[]): Promise<string | undefined> {
  const script = placed(text, place);
  if (isNode(text)) {
    nodes.push(run(`exec ${script}`, place).child);
    await untilReady(/http\.port=(\d+)/.exec(script)![1]!, place);
    return undefined;
  }
  const shell = run(`${PRELUDE}\n${script}\nstatus=$?\n${RECEIVERS}\nexit $status`, place);
  const timer = setTimeout(() => endGroup(shell.child), BLOCK_MS_MAX);
  const code = await shell.ended;
  clearTimeout(timer);
  endGroup(shell.child);
  await shell.gone;
  return code === 0 ? undefined : `exit code ${code}\n${shell.output()}`;
}

async function tryPage(page: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
  symlinkSync(join(ROOT, 'dist'), join(folder, 'dist'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const named = new Map<number, number>();
  for (const port of NAMED_PORTS) named.set(port, await freePort());
  const place: Place = { folder, mqtt: await freePort(), http: await freePort(), named };
  const settings = [
    `mqtt.tcp.port=${place.mqtt}`,
    `http.port=${place.http}`,
    'mqtt.ws.port=-1',
    'node.threads=1',
    'log.level=error',
  ];
  const nodes: ChildProcess[] = [];
  let failed = 0;
  try {
    nodes.push(run(`exec node dist/node.js ${settings.map((each) => `--set ${each}`).join(' ')}`, place).child);
    await untilReady(String(place.http), place);
    for (const block of blocksOf(page)) {
      const fault = await tryBlock(block, place, nodes);
      console.log(
        `${fault === undefined ? 'ok  ' : 'FAIL'} docs/${page}.md:${block.line}${fault === undefined ? '' : `\n${fault}`}`,
      );
      if (fault !== undefined) failed++;
    }
  } finally {
    for (const node of nodes) endGroup(node);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  return failed;
}

const pages = process.argv.slice(2);
let failed = 0;
for (const page of pages.length > 0 ? pages : PAGES) failed += await tryPage(page);
process.exitCode = failed === 0 ? 0 : 1;
