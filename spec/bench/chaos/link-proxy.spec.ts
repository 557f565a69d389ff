// The proxy between two nodes: whatever it becomes meanwhile, the bytes of a connection stay in order, in both directions.
import { once } from 'node:events';
import * as net from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinkProxy } from '../../../bench/chaos/link-proxy.ts';
import { Prng } from '../../../src/base/prng.ts';

const test = suite('link proxy');
const PIECES = 60;

interface Bed {
  readonly proxy: LinkProxy;
  readonly near: net.Socket;
  readonly far: net.Socket;
}

async function withBed(run: (bed: Bed) => Promise<void>): Promise<void> {
  const server = net.createServer({ noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await LinkProxy.to((server.address() as net.AddressInfo).port);
  const near = net.connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
  try {
    const [far] = (await once(server, 'connection')) as [net.Socket];
    await run({ proxy, near, far });
  } finally {
    near.destroy();
    proxy.close();
    server.close();
  }
}

/** All that comes, in order, up to that many bytes. */
async function read(from: net.Socket, bytes: number): Promise<string> {
  let text = '';
  for await (const chunk of from.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString();
    if (text.length >= bytes) break;
  }
  return text;
}

/** Pieces that the proxy reads one by one, since each is waited for to leave; before each of them the way becomes faster or slower. */
async function send({ proxy, near, far }: Bed, isBack: boolean, seed: number): Promise<void> {
  const prng = new Prng(seed);
  const [from, to] = isBack ? [far, near] : [near, far];
  const pieces = Array.from({ length: PIECES }, (_, i) => `${i};`.padStart(8, '.'));
  const got = read(to, PIECES * 8);
  for (const piece of pieces) {
    if (prng.chance(0.3)) proxy.heal();
    else proxy.slow(prng.below(30));
    await new Promise<void>((resolve) => from.write(piece, () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.is(await got, pieces.join(''));
}

test('what comes later never overtakes, however fast the way has become', async () => {
  for (let seed = 1; seed <= 4; seed++) await withBed((bed) => send(bed, seed % 2 === 0, seed));
});

test('what is held comes when the way heals, in front of what is sent then', () =>
  withBed(async ({ proxy, near, far }) => {
    near.write('first ');
    assert.is(await read(far, 6), 'first ');
    proxy.hold();
    near.write('second ');
    const got = read(far, 13);
    proxy.slow(20);
    proxy.heal();
    near.write('third ');
    assert.is(await got, 'second third ');
  }));

test('a reset ends both sides, and the next connection passes', async () => {
  await withBed(async ({ proxy, near, far }) => {
    const ended = Promise.all([once(near, 'close'), once(far, 'close')]);
    near.on('error', () => {});
    far.on('error', () => {});
    proxy.reset();
    await ended;
  });
});

test.run();
