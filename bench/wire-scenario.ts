/** The `wire` scenarios: no broker and no MQTT, two node processes (or a gRPC client and server) on loopback. */
import { Histogram } from '../src/base/histogram.ts';
import type { RawRun } from './load/job.ts';
import { type Params, WIRE_TARGETS } from './scenario.ts';
import type { WireOptions } from './wire/orders.ts';

/** Target names that mean a transport here; every other one is the wire over TCP. */
export function transportOf(target: string): WireOptions['transport'] {
  return WIRE_TARGETS.includes(target) ? (target as 'quic' | 'grpc') : 'tcp';
}

/** Calls of gRPC in one run: a rate is the same after a tenth of what our wire needs for a steady one, and takes seconds, not minutes. */
const GRPC_CALLS_MAX = 100_000;

export function paramsFor(target: string, params: Params): Params {
  return transportOf(target) === 'grpc' ? { ...params, messages: Math.min(params.messages, GRPC_CALLS_MAX) } : params;
}

export async function runWireScenario(mode: WireOptions['mode'], params: Params, target: string): Promise<RawRun> {
  const transport = transportOf(target);
  // Loaded on use: the other scenarios and commands do without the wire.
  const { runWire } = await import('./wire/wire.ts');
  const { messages, payloadBytes: bytes, batch, receiverThread: targetThread } = params;
  const run = await runWire({ transport, mode, messages, bytes, batch, targetThread });
  const latency = new Histogram();
  for (const roundTripUs of run.roundTripsUs) latency.record(Math.round(roundTripUs));
  const empty = new Histogram().snapshot();
  return {
    seconds: run.seconds,
    sent: messages,
    received: messages,
    delivered: messages,
    lost: 0,
    latency: latency.snapshot(),
    ackLatency: empty,
    sendLag: empty,
    loadCpuMicros: run.senderCpuMicros,
    perClient: [],
  };
}
