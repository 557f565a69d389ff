/** From a name on the command line to a running target. */
import { readFileSync } from 'node:fs';
import { BenchError } from '../load/bench-error.ts';
import { startMosquitto } from './mosquitto.ts';
import { startNats } from './nats.ts';
import { startNodeScript } from './node-process.ts';
import { startRabbitmq } from './rabbitmq.ts';
import { startSluice } from './sluice.ts';
import type { Target, TargetOptions } from './target.ts';

/** `ceiling` is no broker but a relay of raw bytes: what the generator itself can do. */
export const TARGET_NAMES = ['sluice', 'mosquitto', 'aedes', 'nats', 'rabbitmq', 'ceiling'] as const;

function aedesVersion(): string | undefined {
  try {
    const file = new URL('./package.json', import.meta.resolve('aedes'));
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch {
    return undefined;
  }
}

async function startAedes(): Promise<Target> {
  const version = aedesVersion();
  if (version === undefined)
    throw new BenchError('target', 'aedes is not installed (it is a development dependency: npm install)');
  return startNodeScript({
    name: 'aedes',
    version: `aedes ${version}`,
    script: new URL('./aedes-server.js', import.meta.url),
    address: (ready) => String(ready.tcp),
  });
}

function startCeiling(): Promise<Target> {
  return startNodeScript({
    name: 'ceiling',
    version: 'raw relay',
    script: new URL('./ceiling-server.js', import.meta.url),
    address: (ready) => String(ready.tcp),
  });
}

/** `host:port` with an optional bracketed IPv6 host; undefined when it is not one. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port >= 1 && port <= 65_535 ? { host: (match[1] ?? match[2]) as string, port } : undefined;
}

/** Whether `name` can be given as a target. */
export function isTargetName(name: string): boolean {
  return (TARGET_NAMES as readonly string[]).includes(name) || parseAddress(name) !== undefined;
}

export async function startTarget(name: string, options: TargetOptions): Promise<Target> {
  if (options.tls === true && name !== 'sluice' && name !== 'mosquitto' && parseAddress(name) === undefined)
    throw new BenchError('usage', `${name} does not speak TLS here`);
  switch (name) {
    case 'sluice':
      return startSluice(options);
    case 'mosquitto':
      return startMosquitto(options);
    case 'nats':
      return startNats();
    case 'rabbitmq':
      return startRabbitmq();
    case 'aedes':
      return startAedes();
    case 'ceiling':
      return startCeiling();
  }
  const endpoint = parseAddress(name);
  if (endpoint === undefined) throw new BenchError('usage', `no such target: ${name} (${TARGET_NAMES.join(', ')} or host:port)`);
  const pid = options.pid === undefined ? {} : { pid: options.pid };
  const at = options.tls === true ? { ...endpoint, tls: true } : endpoint;
  return { name, version: name, endpoint: at, ...pid, stop: async () => undefined };
}
