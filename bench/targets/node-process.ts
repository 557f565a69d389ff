/** Targets that are a Node script of our own and print a ready line. */
import { fileURLToPath } from 'node:url';
import { readyLine, startProcess } from './broker-process.ts';
import type { Target } from './target.ts';

export interface NodeScript {
  readonly name: string;
  readonly version: string;
  readonly script: URL;
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
  /** Picks host:port out of the parsed ready line. */
  readonly address: (ready: Record<string, unknown>) => string;
  /** The same for its HTTP interface. */
  readonly http?: (ready: Record<string, unknown>) => string;
  readonly startMsMax?: number;
  readonly tls?: boolean;
  readonly cleanUp?: () => void;
}

export async function startNodeScript(script: NodeScript): Promise<Target> {
  const broker = startProcess(process.execPath, [...(script.flags ?? []), fileURLToPath(script.script), ...(script.args ?? [])]);
  const stop = async (): Promise<void> => {
    await broker.stop();
    script.cleanUp?.();
  };
  try {
    const ready = JSON.parse(await readyLine(broker, script.name, script.startMsMax)) as Record<string, unknown>;
    const address = script.address(ready);
    const colon = address.lastIndexOf(':');
    const endpoint = {
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      ...(script.tls === true ? { tls: true } : {}),
    };
    const http = script.http === undefined ? {} : { http: script.http(ready) };
    return { ...http, name: script.name, version: script.version, endpoint, pid: broker.child.pid!, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
