import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RING_BYTES } from '../../src/base/limits.ts';
import type { AskError } from '../../src/runtime/ask-error.ts';
import { type GuardianMessage, guardianRef } from '../../src/runtime/guardian.ts';
import type { SystemInspection } from '../../src/runtime/inspection.ts';
import { placeKey } from '../../src/runtime/placement.ts';
import { RUNTIME_PROBE } from '../../src/runtime/probe.ts';
import { type ActorRef, threadOf } from '../../src/runtime/ref.ts';
import { startThreads, type ThreadHost } from '../../src/runtime/thread-host.ts';
import { type WorkerMessage, worker } from './fixtures/thread-boot.ts';

const test = suite('threads');

const DEADLINE_MS = 20_000;

interface Options {
  readonly bootArguments?: (thread: number, incarnation: number) => unknown;
  readonly onGiveUp?: (thread: number, error: unknown) => void;
}

function start(reactors: number, options: Options = {}): Promise<ThreadHost> {
  return startThreads({
    node: 1,
    reactors,
    bootModule: new URL('./fixtures/thread-boot.js', import.meta.url),
    bootArguments: options.bootArguments ?? (() => undefined),
    onGiveUp:
      options.onGiveUp ??
      ((_, error) => {
        throw error;
      }),
  });
}

function ask<R>(host: ThreadHost, thread: number, message: WorkerMessage): Promise<R> {
  return host.system.ask<R>(worker(thread) as ActorRef, message, DEADLINE_MS);
}

/** Asks again and again until the answer pleases; each round waits for a real answer. */
async function until<R>(get: () => Promise<R>, isRight: (reply: R) => boolean): Promise<R> {
  for (;;) {
    const reply = await get();
    if (isRight(reply)) return reply;
  }
}

/** Resolves when `thread` is up once more. */
function nextUp(host: ThreadHost, thread: number): Promise<void> {
  return new Promise((resolve) => {
    host.system.onThreadChange((changed, state) => {
      if (changed === thread && state === 'up') resolve();
    });
  });
}

test('nobody serves before all have booted, and whoever comes back serves when it knows of the others', async () => {
  const host = await start(3);
  const serving = (thread: number): Promise<string[] | null> => ask(host, thread, { type: 'serving' });
  const others = (thread: number): string[] => [1, 2, 3].filter((other) => other !== thread).map((other) => `${other} up`);
  for (const thread of [1, 2, 3]) assert.equal((await serving(thread))?.sort(), others(thread));
  const isUp = nextUp(host, 2);
  await host.kill(2);
  await isUp;
  const knew = await until(
    () => serving(2),
    (seen) => seen !== null,
  );
  assert.equal(knew?.sort(), others(2));
  await host.stop(1000);
});

test('a thread that cannot serve fails the start', async () => {
  const error = await start(2, { bootArguments: (thread) => (thread === 2 ? 'fail to serve' : undefined) }).catch((e) => e);
  assert.is((error as Error).message, 'cannot serve');
});

test('asks reach every reactor; values survive the way', async () => {
  const host = await start(2);
  const value = { text: 'grüße', n: 2 ** 50 + 1, list: [1, null, undefined], bytes: Uint8Array.of(1, 2) };
  for (const thread of [1, 2]) {
    const reply = await ask<{ thread: number; value: typeof value }>(host, thread, { type: 'echo', value });
    assert.is(reply.thread, thread);
    assert.equal({ ...reply.value, bytes: [...reply.value.bytes] }, { ...value, bytes: [1, 2] });
  }
  await host.stop(5000);
});

test('records of all sizes arrive whole and in order through full rings and beside them', async () => {
  const host = await start(2);
  const count = 3000;
  const sizes = [0, 1, 100, 5000, RING_BYTES / 4 + 1, 3, 40_000, RING_BYTES, 17];
  host.system.tell(worker(1), { type: 'send', thread: 2, count, sizes });
  const seen = await until(
    () => ask<number[]>(host, 2, { type: 'seen' }),
    (numbers) => numbers.length >= count,
  );
  assert.equal(
    seen,
    Array.from({ length: count }, (_, n) => n),
  );
  await host.stop(5000);
});

test('a reader that holds a link pushes its writer back; nothing is lost', async () => {
  const host = await start(2);
  await ask(host, 2, { type: 'hold', thread: 1, hold: true });
  host.system.tell(worker(1), { type: 'send', thread: 2, count: 2000, sizes: [2000] });
  const sender = () =>
    host.system.ask<SystemInspection>(guardianRef(1, 1) as ActorRef, { type: 'inspect' } satisfies GuardianMessage, DEADLINE_MS);
  const isPushedBack = ({ links }: SystemInspection) => links.some((link) => link.thread === 2 && link.refusals > 0);
  await until(sender, isPushedBack);
  assert.equal(await ask(host, 2, { type: 'seen' }), []);
  await ask(host, 2, { type: 'hold', thread: 1, hold: false });
  const seen = await until(
    () => ask<number[]>(host, 2, { type: 'seen' }),
    (numbers) => numbers.length >= 2000,
  );
  assert.equal(
    seen,
    Array.from({ length: 2000 }, (_, n) => n),
  );
  await host.stop(5000);
});

test('a killed thread comes back; old refs are stale, well-known ones hold, the others hear of it', async () => {
  const host = await start(2);
  const stale = await ask<ActorRef>(host, 1, { type: 'spawn' });
  const changes = await until(
    () => ask<string[]>(host, 2, { type: 'changes' }),
    (list) => list.length > 0,
  );
  assert.equal(changes, ['1 up']);
  const unanswered: WorkerMessage = { type: 'numbered', n: 0, filler: new Uint8Array(0) };
  const pending = ask(host, 1, unanswered).catch(({ failure }: AskError) => failure);
  const isUp = nextUp(host, 1);
  await host.kill(1);
  assert.is(await pending, 'unreachable');
  await isUp;
  const reply = await ask<{ incarnation: number }>(host, 1, { type: 'echo', value: 0 });
  assert.is(reply.incarnation, 1);
  const failure = await host.system.ask(stale as ActorRef, { type: 'echo' }, DEADLINE_MS).catch((error) => error.failure);
  assert.is(failure, 'not_found');
  const after = await until(
    () => ask<string[]>(host, 2, { type: 'changes' }),
    (list) => list.length >= 3,
  );
  assert.equal(after, ['1 up', '1 down', '1 up']);
  await host.stop(5000);
});

test('a thread that dies again and again makes the host give up', async () => {
  let gaveUp: (thread: number) => void = () => {};
  const end = new Promise<number>((resolve) => {
    gaveUp = resolve;
  });
  const host = await start(1, {
    bootArguments: (_, incarnation) => (incarnation === 0 ? undefined : 'fail'),
    onGiveUp: (thread) => gaveUp(thread),
  });
  host.system.tell(worker(1), { type: 'die' });
  assert.is(await end, 1);
  await host.stop(1000);
});

test('a thread that cannot boot rejects the start', async () => {
  const error = await start(2, { bootArguments: (thread) => (thread === 2 ? 'fail' : undefined) }).catch((reason) => reason);
  assert.match(String(error), 'cannot boot');
});

test('pinned actors live where their key says', async () => {
  const host = await start(2);
  for (const key of ['a', 'b', 'c', 4, 5]) {
    const ref = await host.system.spawnPinned(key, 'worker', `pinned ${key}`, undefined, DEADLINE_MS);
    assert.is(threadOf(ref), placeKey(key, 2));
    const reply = await host.system.ask<{ thread: number }>(ref, { type: 'echo', value: 1 }, DEADLINE_MS);
    assert.is(reply.thread, placeKey(key, 2));
  }
  await host.stop(5000);
});

test('main reads every thread: counters, utilisation, pictures', async () => {
  const host = await start(1);
  await ask(host, 1, { type: 'echo', value: 1 });
  const picture = await host.system.ask<SystemInspection>(guardianRef(1, 1) as ActorRef, { type: 'inspect' }, DEADLINE_MS);
  assert.is(picture.thread, 1);
  assert.equal(
    picture.root.children.map(({ name }) => name),
    ['worker'],
  );
  assert.ok(host.slotsOf(1)[RUNTIME_PROBE.slot.messages]! >= 1);
  const utilization = host.utilization(1);
  assert.ok(utilization >= 0 && utilization <= 1);
  await host.stop(5000);
});

test.run();
