/**
 * Nodes of one process for the specs of the wire: a real system with its turns on this thread's event loop, real sockets on
 * loopback. Each node has one reactor, the accepting one.
 */
import { allocateSlots } from '../../src/base/probe.ts';
import type { Actor, ActorContext, TerminationReason } from '../../src/runtime/actor.ts';
import { allocateDoorbell } from '../../src/runtime/doorbell.ts';
import { type ActorRef, wellKnownRef } from '../../src/runtime/ref.ts';
import { ThreadPlatform } from '../../src/runtime/thread-platform.ts';
import { ThreadSystem } from '../../src/runtime/thread-system.ts';
import { TcpTransport } from '../../src/wire/tcp-transport.ts';
import type { Transport, WireListener } from '../../src/wire/transport.ts';
import type { WireEvent, WireOptions } from '../../src/wire/wire.ts';
import { startWire } from '../../src/wire/wire-actor.ts';

export const WORKER_SLOT = 20;

export type WorkerMessage =
  | { readonly type: 'note'; readonly value: unknown }
  | { readonly type: 'echo'; readonly value: unknown }
  | { readonly type: 'silence' }
  | { readonly type: 'watch'; readonly ref: ActorRef }
  | { readonly type: 'unwatch'; readonly ref: ActorRef }
  | { readonly type: 'spawn' }
  | { readonly type: 'stop' };

/** Everything that happened to a node's worker, in order. */
export interface Worker extends Actor<WorkerMessage> {
  readonly seen: unknown[];
  readonly bytes: { readonly kind: number; readonly text: string }[];
  readonly ends: { readonly ref: ActorRef; readonly reason: TerminationReason }[];
}

export interface TestNode {
  readonly node: number;
  readonly system: ThreadSystem;
  readonly port: number;
  readonly worker: Worker;
  readonly events: WireEvent[];
  readonly changes: string[];
  /** All links cut at once, as if the process were killed: no goodbye. Resolves when its port is free. */
  kill(): Promise<void>;
  /** As on SIGTERM. */
  stop(): Promise<void>;
}

export interface NodeOptions extends Partial<WireOptions> {
  readonly boots?: number;
  readonly port?: number;
  /** One for each node; default TCP. */
  readonly makeTransport?: () => Transport;
}

export function workerRef(node: number): ActorRef<WorkerMessage> {
  return wellKnownRef(node, 1, WORKER_SLOT);
}

class WorkerActor implements Worker {
  readonly seen: unknown[] = [];
  readonly bytes: { kind: number; text: string }[] = [];
  readonly ends: { ref: ActorRef; reason: TerminationReason }[] = [];

  receive(message: WorkerMessage, ctx: ActorContext<WorkerMessage>): void {
    const to = ctx.replyTo();
    switch (message.type) {
      case 'note':
        this.seen.push(message.value);
        break;
      case 'echo':
        if (to !== undefined) ctx.respond(to, message.value);
        break;
      case 'silence':
        break;
      case 'watch':
        ctx.watch(message.ref);
        break;
      case 'unwatch':
        ctx.unwatch(message.ref);
        break;
      case 'spawn':
        if (to !== undefined)
          ctx.respond(
            to,
            ctx.spawn<WorkerMessage>(() => new WorkerActor(), { name: 'child' }),
          );
        break;
      case 'stop':
        ctx.stop();
        break;
    }
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.bytes.push({ kind, text: Buffer.from(bytes.subarray(start, end)).toString('latin1') });
  }

  onTerminated(ref: ActorRef, reason: TerminationReason): void {
    this.ends.push({ ref, reason });
  }
}

/** Gives a transport whose pipes can be cut from outside. */
function cuttable(transport: Transport): Transport & { cut(): Promise<void> } {
  const pipes = new Set<{ destroy(): void }>();
  const listeners: WireListener[] = [];
  return {
    lanes: transport.lanes,
    dial: (host, port) => {
      const dialled = transport.dial(host, port);
      for (const pipe of dialled) pipes.add(pipe);
      return dialled;
    },
    listen: async (at, onPipe) => {
      const listener = await transport.listen(at, (pipe) => {
        pipes.add(pipe);
        onPipe(pipe);
      });
      listeners.push(listener);
      return listener;
    },
    cut: async () => {
      for (const pipe of pipes) pipe.destroy();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

export async function startNode(node: number, options: NodeOptions = {}): Promise<TestNode> {
  const platform = new ThreadPlatform(allocateDoorbell(), node);
  const slots = new Float64Array(allocateSlots());
  const system = new ThreadSystem({ node, thread: 1, incarnation: 0, reactors: 1, slots, platform, boots: options.boots ?? 0 });
  platform.connect(system);
  const worker = new WorkerActor();
  system.spawn<WorkerMessage>(() => worker, { name: 'worker', wellKnown: WORKER_SLOT, mailboxMax: 1_000_000 });
  const events: WireEvent[] = [];
  const changes: string[] = [];
  system.remote.onChange((other, state) => changes.push(`${other} ${state}`));
  const transport = cuttable(options.makeTransport?.() ?? new TcpTransport());
  const { boots, port: wanted, makeTransport: _, ...wireOptions } = options;
  const port = await startWire(system, {
    cluster: 'spec',
    incarnation: 1000 + (boots ?? 0),
    roles: ['meta', 'broker'],
    secret: 'a secret of the specs',
    address: '',
    peers: [],
    listen: { host: '127.0.0.1', port: wanted ?? 0 },
    onEvent: (event) => events.push(event),
    ...wireOptions,
    transport,
  });
  return {
    node,
    system,
    port: port!,
    worker,
    events,
    changes,
    kill: () => {
      system.halt();
      return transport.cut();
    },
    stop: async () => {
      await system.drain(2000);
      system.halt();
      await transport.cut();
    },
  };
}

/** Nodes 1, 2 … that know each other. */
export async function startCluster(count: number, options: NodeOptions = {}): Promise<TestNode[]> {
  const nodes: TestNode[] = [];
  for (let node = 1; node <= count; node++) {
    const peers = nodes.map((other) => ({ node: other.node, host: '127.0.0.1', port: other.port }));
    // The later ones are known by what they say of themselves.
    nodes.push(await startNode(node, { ...options, peers, ...(await ownAddress(options)) }));
  }
  await until(() => nodes.every(({ changes }) => changes.length >= count - 1));
  return nodes;
}

/** A free port and the address that says so. */
export async function ownAddress({ makeTransport }: NodeOptions = {}): Promise<{ port: number; address: string }> {
  const listener = await (makeTransport?.() ?? new TcpTransport()).listen({ host: '127.0.0.1', port: 0 }, (pipe) =>
    pipe.destroy(),
  );
  const { port } = listener;
  await listener.close();
  return { port, address: `127.0.0.1:${port}` };
}

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
}
