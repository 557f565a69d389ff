/**
 * How long retained messages hold up a reactor, on a real node with one; nothing is asserted. Run it with nothing else running:
 *
 *     node dist/spec/actors/measure-retained.js
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { encodeConnect, encodePublish, encodeSubscribe, PINGREQ } from '../../src/wire/mqtt/client-encoder.ts';
import { frameLength } from '../../src/wire/mqtt/frame.ts';
import { NodeChild } from '../nodes/node-child.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-retained-'));

/** Counts the packets that come, by type. */
class Counter {
  readonly socket: net.Socket;
  readonly counts = new Array<number>(16).fill(0);
  #rest: Buffer = Buffer.alloc(0);

  constructor(port: number, clientId: string) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.write(encodeConnect({ level: 4, clientId, cleanStart: true, keepAliveSeconds: 0 }));
    this.socket.on('data', (chunk) => this.#take(chunk));
  }

  async until(type: number, count: number): Promise<void> {
    while (this.counts[type]! < count) await pause(2);
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const length = frameLength(bytes, at, bytes.length);
      if (length <= 0 || at + length > bytes.length) break;
      this.counts[bytes[at]! >> 4]!++;
      at += length;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }
}

function longest(): number {
  return Math.max(...readdirSync(folder).map((name) => Number(readFileSync(join(folder, name), 'utf8'))));
}

async function quiet(): Promise<void> {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  await pause(500);
}

async function measure(what: string, port: number, filters: readonly string[], expected: readonly number[]): Promise<void> {
  const clients = filters.map((_, i) => new Counter(port, `${what.replaceAll(/\W/g, '')}-${i}`));
  for (const client of clients) await client.until(2, 1);
  await quiet();
  const start = performance.now();
  for (const [i, client] of clients.entries()) {
    client.socket.write(
      encodeSubscribe(0, 1, [{ filter: filters[i]!, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }]),
    );
  }
  for (const [i, client] of clients.entries()) await client.until(3, expected[i]!);
  const seconds = (performance.now() - start) / 1000;
  await pause(300);
  const messages = expected.reduce((sum, each) => sum + each, 0);
  console.log(
    `${what.padEnd(64)} ${messages} messages in ${seconds.toFixed(2)} s, longest turn ${longest().toFixed(1)} ms of CPU`,
  );
  for (const client of clients) client.socket.destroy();
}

async function retain(publisher: Counter, names: readonly string[]): Promise<void> {
  for (let i = 0; i < names.length; i += 500) {
    const block = names
      .slice(i, i + 500)
      .map((topic) => encodePublish(0, { topic, payload: Buffer.alloc(64, 'x'), retain: true }));
    publisher.socket.write(Buffer.concat([...block, PINGREQ]));
    await publisher.until(13, i / 500 + 1);
  }
  publisher.counts[13] = 0;
}

const flags = ['--import', fileURLToPath(new URL('./loop-delay.js', import.meta.url))];
const node = new NodeChild(
  ['--set', 'mqtt.tcp.port=0', '--set', 'http.port=0', '--set', 'node.threads=1', '--set', 'log.level=warn'],
  { LOOP_DELAY: folder, NODE_OPTIONS: flags.join(' ') },
  fileURLToPath(new URL('../../node.js', import.meta.url)),
);
const { mqtt } = await node.ready();
const port = Number(mqtt!.tcp!.split(':').pop());
const publisher = new Counter(port, 'publisher');
await publisher.until(2, 1);
await retain(
  publisher,
  Array.from({ length: 100 }, (_, i) => `few/${i}`),
);
await measure('100 retained topics, 1,000 new subscribers', port, new Array(1000).fill('few/+'), new Array(1000).fill(100));
await retain(
  publisher,
  Array.from({ length: 100_000 }, (_, i) => `site/${i % 100}/device/${i}/state`),
);
await measure('100 k retained topics, 5 subscribers of all', port, new Array(5).fill('site/#'), new Array(5).fill(100_000));
await measure(
  '100 k retained topics, 200 of a hundredth',
  port,
  Array.from({ length: 200 }, (_, i) => `site/${i % 100}/#`),
  new Array(200).fill(1000),
);
await measure(
  '100 k retained topics, 200 of + in between',
  port,
  Array.from({ length: 200 }, (_, i) => `+/${i % 100}/+/+/state`),
  new Array(200).fill(1000),
);
await measure(
  '100 k retained topics, 50 of one, + everywhere',
  port,
  Array.from({ length: 50 }, (_, i) => `+/+/+/${i}/+`),
  new Array(50).fill(1),
);
node.kill('SIGTERM');
await node.ended;
rmSync(folder, { recursive: true });
process.exit();
