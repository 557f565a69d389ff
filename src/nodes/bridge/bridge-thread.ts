/** Entry of the thread of the bridges. It is alone with MQTT.js: whatever that does to its event loop, no reactor waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { createLog } from '../log.ts';
import { Bridge } from './bridge.ts';
import type { BridgeBirth, FromBridges, ToBridges } from './messages.ts';

/** How often main hears the counters, milliseconds. */
const VIEWS_MS = 250;

const port = parentPort;
assert(port !== null, 'bridge-thread runs in a worker thread');
const { specs, self, logLevel, node } = workerData as BridgeBirth;
const log = createLog({ level: logLevel, node, worker: 'bridges' });
const bridges = new Map<string, Bridge>();
let told = '';

for (const spec of specs) {
  const dial = (): void => say({ type: 'dial', name: spec.name });
  bridges.set(spec.name, new Bridge(spec, { self, log, dial, changed: tell }));
}
port.on('message', (message: ToBridges) => {
  if (message.type === 'port') bridges.get(message.name)!.dialled(message.port);
  else void stop();
});
const timer = setInterval(tell, VIEWS_MS);
for (const bridge of bridges.values()) bridge.start();

function tell(): void {
  const views = [...bridges.values()].map((bridge) => bridge.view());
  const text = JSON.stringify(views);
  if (text === told) return;
  told = text;
  say({ type: 'views', views });
}

async function stop(): Promise<void> {
  clearInterval(timer);
  await Promise.allSettled([...bridges.values()].map((bridge) => bridge.stop()));
  process.exit(0);
}

function say(message: FromBridges): void {
  port!.postMessage(message);
}
