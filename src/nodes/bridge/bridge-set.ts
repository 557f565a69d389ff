/**
 * The bridges of the thread by name, and how they become others while they run: those whose spec is as it was go on, those that are gone or have changed leave both sides in order, then
 * new ones begin. A changed bridge goes on with the session of its name, so what has not crossed yet crosses the new one, and with its counters. One change at a time.
 */
import type { MessagePort } from 'node:worker_threads';
import { Bridge, type BridgeTools, type BridgeView } from './bridge.ts';
import type { BridgeSpec } from './bridge-spec.ts';

/** For a bridge to leave in order, milliseconds. */
const LEAVE_MS_MAX = 2000;

interface Running {
  readonly bridge: Bridge;
  /** What it was made of. */
  readonly text: string;
}

export class BridgeSet {
  readonly #tools: (name: string) => BridgeTools;
  readonly #running = new Map<string, Running>();
  #changing: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(tools: (name: string) => BridgeTools) {
    this.#tools = tools;
  }

  /** These are the bridges from now on. */
  replace(specs: readonly BridgeSpec[]): void {
    this.#changing = this.#changing.then(() => this.#replace(specs));
  }

  dialled(name: string, port: MessagePort | null): void {
    const found = this.#running.get(name);
    if (found === undefined) port?.close();
    else found.bridge.dialled(port);
  }

  views(): BridgeView[] {
    return [...this.#running.values()].map(({ bridge }) => bridge.view());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#running.values()].map(({ bridge }) => leave(bridge)));
  }

  async #replace(specs: readonly BridgeSpec[]): Promise<void> {
    const wanted = new Map(specs.map((spec) => [spec.name, { spec, text: JSON.stringify(spec) }]));
    const leaving = [...this.#running].filter(([name, { text }]) => wanted.get(name)?.text !== text);
    await Promise.all(leaving.map(([, { bridge }]) => leave(bridge)));
    if (this.#isStopped) return;
    const counts = new Map(leaving.map(([name, { bridge }]) => [name, bridge.view()]));
    for (const [name] of leaving) this.#running.delete(name);
    for (const [name, { spec, text }] of wanted) {
      if (this.#running.has(name)) continue;
      const bridge = new Bridge(spec, this.#tools(name), counts.get(name));
      this.#running.set(name, { bridge, text });
      bridge.start();
    }
  }
}

async function leave(bridge: Bridge): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LEAVE_MS_MAX);
  });
  await Promise.race([bridge.stop().catch(() => {}), late]);
  clearTimeout(timer);
}
