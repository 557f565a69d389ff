/**
 * Entry of a reactor thread: builds its system from `workerData`, boots its actors, obeys main. The port to main is what
 * keeps the thread alive. An error that no supervisor handles ends the thread; main starts it again.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { admitGuest } from './guests.ts';
import type { ActorSystem } from './system.ts';
import { ThreadPlatform } from './thread-platform.ts';
import { type Birth, type FromThread, openLink, seedOf, type ToThread } from './thread-protocol.ts';
import { ThreadSystem } from './thread-system.ts';

/** Lets the outside in, once all threads of the process have booted and know of each other. */
export type Serve = () => Promise<void>;

/** What a boot module exports. The thread counts as up when the promise is fulfilled. */
export interface BootModule {
  boot(system: ActorSystem, bootArguments: unknown): Promise<Serve | undefined> | Promise<void> | void;
}

const port = parentPort;
assert(port !== null, 'worker-entry runs in a worker thread');
const birth = workerData as Birth;

const platform = new ThreadPlatform(birth.bell, seedOf(birth.thread, birth.incarnation));
const system = new ThreadSystem({
  node: birth.node,
  thread: birth.thread,
  incarnation: birth.incarnation,
  reactors: birth.reactors,
  boots: birth.boots,
  slots: new Float64Array(birth.slots),
  platform,
});
platform.connect(system);
for (const end of birth.links) system.attachLink(openLink(end));

port.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'attach':
      system.attachLink(openLink(message.link));
      break;
    case 'up':
      system.threadUp(message.thread);
      break;
    case 'down':
      system.threadDown(message.thread);
      break;
    case 'drain':
      void system.drain(message.deadlineMs).then(() => say({ type: 'drained' }));
      break;
    case 'guest':
      admitGuest(message.kind, message.argument, message.port);
      break;
    case 'serve':
      void letIn();
      break;
    case 'exit':
      process.exit(0);
  }
});

const module = (await import(birth.bootModule)) as BootModule;
const serve = await module.boot(system, birth.bootArguments);
say({ type: 'booted' });

async function letIn(): Promise<void> {
  await serve?.();
  say({ type: 'serving' });
}

function say(message: FromThread): void {
  port!.postMessage(message);
}
