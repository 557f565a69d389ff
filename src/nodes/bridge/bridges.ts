/**
 * The bridges of a node, on main: starts their thread when there are any, and again when it has ended; tells it when the configuration has others; gives each bridge a way to its
 * session, on the reactor that its name belongs to; knows how they are. `$SYS/broker/connection/NAME/state` says 1 or 0, as mosquitto does.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Announce } from '../../actors/announcer/messages.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { placeKey } from '../../runtime/placement.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Log } from '../log.ts';
import type { OwnMetric } from '../metrics.ts';
import type { BridgeView } from './bridge.ts';
import { type BridgeCounts, NO_COUNTS } from './bridge-counts.ts';
import type { BridgeSpec } from './bridge-spec.ts';
import { BRIDGE_GUEST, type BridgeBirth, type FromBridges, type ToBridges } from './messages.ts';

/** Gives a reactor the end of a channel; false when it is not there. */
export type AdmitGuest = (thread: number, kind: string, argument: unknown, port: MessagePort) => boolean;

/** Before the thread is started again, and for it to leave in order, milliseconds. */
const RESTART_MS = 1000;
const STOP_MS_MAX = 2000;

export class Bridges {
  #specs: readonly BridgeSpec[];
  readonly #birth: Omit<BridgeBirth, 'specs'>;
  readonly #log: Log;
  #views: readonly BridgeView[];
  /** What the bridges had counted in earlier lives of their thread. */
  readonly #before = new Map<string, BridgeCounts>();
  #system: ActorSystem | undefined;
  #admit: AdmitGuest = () => false;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(specs: readonly BridgeSpec[], birth: Omit<BridgeBirth, 'specs'>, log: Log) {
    this.#specs = specs;
    this.#birth = birth;
    this.#log = log;
    this.#views = specs.map((spec) => absent(spec, 'not started yet'));
  }

  /** The reactors run. */
  start(system: ActorSystem, admit: AdmitGuest): void {
    this.#system = system;
    this.#admit = admit;
    // A reactor that comes back has lost the retained messages that it kept.
    system.onThreadChange((thread, state) => {
      if (state === 'up' && thread > 0) this.#announce(this.#views);
    });
    this.#announce(this.#views);
    if (this.#specs.length > 0) this.#spawn();
  }

  /** These are the bridges from now on; those that are as they were notice nothing. */
  change(specs: readonly BridgeSpec[]): void {
    const isSame = JSON.stringify(specs) === JSON.stringify(this.#specs);
    if (isSame || this.#isStopped) return;
    const former = this.#specs;
    this.#specs = specs;
    const known = new Map(this.#views.map((view) => [view.name, view]));
    this.#views = specs.map((spec) => known.get(spec.name) ?? absent(spec, 'not started yet'));
    const names = new Set(specs.map(({ name }) => name));
    this.#forget(former.filter(({ name }) => !names.has(name)));
    if (this.#system === undefined) return;
    this.#announce(this.#views.filter(({ name }) => !known.has(name)));
    const order: ToBridges = specs.length > 0 ? { type: 'specs', specs } : { type: 'stop' };
    if (this.#worker !== undefined) this.#worker.postMessage(order);
    else if (specs.length > 0 && this.#timer === undefined) this.#spawn();
  }

  /** Nothing tells of them any more. */
  #forget(specs: readonly BridgeSpec[]): void {
    for (const { name } of specs) this.#before.delete(name);
    this.#publish(
      specs.filter(({ notifies }) => notifies).map(({ name }) => ({ topic: stateTopic(name), payload: '', retain: true })),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage({ type: 'stop' } satisfies ToBridges);
    const cutOff = setTimeout(() => void worker.terminate(), STOP_MS_MAX);
    await ended;
    clearTimeout(cutOff);
  }

  /** By name. */
  list(): BridgeView[] {
    return this.#views.map((view) => ({ ...view, ...this.#counted(view) })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  metrics(): readonly OwnMetric[] {
    const read = (pick: (view: BridgeView) => Readonly<Record<string, number>>, label: string) => () =>
      this.list().flatMap((view) =>
        Object.entries(pick(view)).map(([value, count]) => ({ labels: { bridge: view.name, [label]: value }, value: count })),
      );
    return [
      {
        name: 'sluice_bridge_connected',
        kind: 'gauge',
        help: 'Whether a bridge is connected to its other side.',
        labelNames: ['bridge'],
        read: () => this.list().map(({ name, isConnected }) => ({ labels: { bridge: name }, value: isConnected ? 1 : 0 })),
      },
      {
        name: 'sluice_bridge_messages_total',
        kind: 'counter',
        help: 'Messages that have crossed a bridge and been taken on the other side.',
        labelNames: ['bridge', 'direction'],
        read: read((view) => ({ out: view.out, in: view.in }), 'direction'),
      },
      {
        name: 'sluice_bridge_discarded_total',
        kind: 'counter',
        help: 'Messages that have not crossed: looped, they had been here before; dropped, QoS 0 while the other side was away or slow, or refused.',
        labelNames: ['bridge', 'reason'],
        read: read(({ looped, dropped }) => ({ looped, dropped }), 'reason'),
      },
      {
        name: 'sluice_bridge_failures_total',
        kind: 'counter',
        help: 'Connections to the other side that came to nothing, or ended.',
        labelNames: ['bridge'],
        read: () => this.list().map(({ name, failures }) => ({ labels: { bridge: name }, value: failures })),
      },
    ];
  }

  #spawn(): void {
    const birth: BridgeBirth = { ...this.#birth, specs: this.#specs };
    const worker = new Worker(new URL('./bridge-thread.js', import.meta.url), { workerData: birth, name: 'bridges' });
    this.#timer = undefined;
    this.#worker = worker;
    worker.on('message', (message: FromBridges) => {
      if (message.type === 'dial') this.#dial(worker, message.name);
      else this.#heard(message.views);
    });
    worker.on('error', (error) =>
      this.#log.error({ error: error.message, stack: error.stack }, 'the thread of the bridges failed'),
    );
    worker.on('exit', () => {
      this.#worker = undefined;
      for (const view of this.#views) this.#before.set(view.name, this.#counted(view));
      this.#heard(this.#specs.map((spec) => absent(spec, 'the thread of the bridges has ended')));
      if (!this.#isStopped && this.#specs.length > 0) this.#timer = setTimeout(() => this.#spawn(), RESTART_MS);
    });
  }

  #counted(view: BridgeView): BridgeCounts {
    const before = this.#before.get(view.name) ?? NO_COUNTS;
    return {
      out: before.out + view.out,
      in: before.in + view.in,
      looped: before.looped + view.looped,
      dropped: before.dropped + view.dropped,
      failures: before.failures + view.failures,
    };
  }

  #dial(worker: Worker, name: string): void {
    const { port1, port2 } = new MessageChannel();
    const isThere = this.#admit(placeKey(name, this.#system!.reactors), BRIDGE_GUEST, name, port1);
    if (isThere) return worker.postMessage({ type: 'port', name, port: port2 } satisfies ToBridges, [port2]);
    port2.close();
    worker.postMessage({ type: 'port', name, port: null } satisfies ToBridges);
  }

  /** What it says of bridges that are not wanted any more, or not there yet, is old. */
  #heard(said: readonly BridgeView[]): void {
    const before = new Map(this.#views.map(({ name, isConnected }) => [name, isConnected]));
    const fresh = new Map(said.map((view) => [view.name, view]));
    const views = this.#views.map((view) => fresh.get(view.name) ?? view);
    this.#views = views;
    this.#announce(views.filter(({ name, isConnected }) => before.get(name) !== isConnected));
  }

  #announce(views: readonly BridgeView[]): void {
    const told = new Set(this.#specs.filter(({ notifies }) => notifies).map(({ name }) => name));
    const messages = views
      .filter(({ name }) => told.has(name))
      .map(({ name, isConnected }) => {
        return { topic: stateTopic(name), payload: isConnected ? '1' : '0', retain: true };
      });
    this.#publish(messages);
  }

  #publish(messages: Announce['messages']): void {
    const system = this.#system;
    if (system === undefined || messages.length === 0) return;
    system.tell<Announce>(wellKnownRef<Announce>(system.node, 1, WELL_KNOWN.announcer), { type: 'announce', messages });
  }
}

function stateTopic(name: string): string {
  return `$SYS/broker/connection/${name}/state`;
}

function absent({ name, urls }: BridgeSpec, error: string): BridgeView {
  return { name, urls, isConnected: false, since: Date.now(), error, ...NO_COUNTS };
}
