/** Entry of the thread of the bridges. It is alone with MQTT.js: whatever that does to its event loop, no reactor waits for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { createLog } from '../log.ts';
import { BridgeSet } from './bridge-set.ts';
import type { BridgeBirth, FromBridges, ToBridges } from './messages.ts';

/** How often main hears the counters, milliseconds. */
const VIEWS_MS = 250;

const port = parentPort;
assert(port !== null, 'bridge-thread runs in a worker thread');
const { specs, self, logLevel, node } = workerData as BridgeBirth;
const log = createLog({ level: logLevel, node, worker: 'bridges' });
const bridges = new BridgeSet((name) => ({ self, log, dial: () => say({ type: 'dial', name }), changed: tell }));
let told = '';

port.on('message', (message: ToBridges) => {
  if (message.type === 'port') bridges.dialled(message.name, message.port);
  else if (message.type === 'specs') bridges.replace(message.specs);
  else void stop();
});
const timer = setInterval(tell, VIEWS_MS);
bridges.replace(specs);

function tell(): void {
  const views = bridges.views();
  const text = JSON.stringify(views);
  if (text === told) return;
  told = text;
  say({ type: 'views', views });
}

async function stop(): Promise<void> {
  clearInterval(timer);
  await bridges.stop();
  process.exit(0);
}

function say(message: FromBridges): void {
  port!.postMessage(message);
}
