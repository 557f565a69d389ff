/** One process of the wire bench, forked: a node of ours with real reactor threads, or one side of a gRPC channel. */
import { wellKnownRef } from '../../src/runtime/ref.ts';
import { startThreads, type ThreadHost } from '../../src/runtime/thread-host.ts';
import { freePort } from '../targets/broker-process.ts';
import type { Order, Report, WireOptions, WireRun } from './orders.ts';
import { BENCH_SLOT, type BenchBoot, type ToSender } from './wire-boot.ts';

interface Side {
  readonly port: number;
  run(messages: number, roundTrips: number): Promise<WireRun>;
  stop(): Promise<void>;
}

async function startNode(role: 'sender' | 'receiver', options: WireOptions, peerPort: number): Promise<Side> {
  const node = role === 'sender' ? 1 : 2;
  const port = await freePort();
  const boot: BenchBoot = { options, peerPort, port };
  const host: ThreadHost = await startThreads({
    node,
    reactors: role === 'sender' ? 1 : options.targetThread,
    bootModule: new URL('./wire-boot.js', import.meta.url),
    bootArguments: () => boot,
    onGiveUp: (_thread, error) => {
      throw error;
    },
  });
  return {
    port,
    run: (messages, roundTrips) =>
      host.system.ask<WireRun>(wellKnownRef(1, 1, BENCH_SLOT), { type: 'run', messages, roundTrips } satisfies ToSender, 600_000),
    stop: () => host.stop(2000),
  };
}

let side: Side | undefined;

async function obey(order: Order): Promise<void> {
  switch (order.type) {
    case 'start': {
      side =
        order.options.transport === 'grpc'
          ? await (await import('./grpc-side.ts')).startGrpc(order.role, order.options, order.peerPort)
          : await startNode(order.role, order.options, order.peerPort);
      report({ type: 'started', port: side.port });
      break;
    }
    case 'run': {
      const before = process.cpuUsage();
      const run = await side!.run(order.messages, order.roundTrips);
      const { user, system } = process.cpuUsage(before);
      report({ type: 'done', run, cpuMicros: user + system });
      break;
    }
    case 'stop':
      await side?.stop();
      process.exit(0);
  }
}

function report(message: Report): void {
  process.send!(message);
}

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) =>
    report({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
