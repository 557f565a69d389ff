/**
 * Actor messages across threads: one sender on reactor 1, one receiver on reactor 2, one direction. `batch` messages are
 * sent per turn of the sender; a full ring holds it back until half of it is free. Both threads are real reactors.
 */
import type { ActorRef } from '../../src/runtime/ref.ts';
import { wellKnownRef } from '../../src/runtime/ref.ts';
import { startThreads } from '../../src/runtime/thread-host.ts';

export interface RingOptions {
  readonly messages: number;
  /** Payload of each, bytes. */
  readonly bytes: number;
  readonly batch: number;
  /** `tell` of a small object instead of `tellBytes`. */
  readonly objects?: boolean;
}

export interface RingResult {
  readonly messages: number;
  readonly seconds: number;
  /** Messages per second, received. */
  readonly rate: number;
}

export const RING_SENDER_SLOT = 40;
export const RING_RECEIVER_SLOT = 41;

export interface RunRequest extends RingOptions {
  readonly type: 'run';
  readonly receiver: ActorRef;
}

/** Runs a warm-up of a tenth, then the measured messages; the time is from the first send to the last receipt. */
export async function runRing(options: RingOptions): Promise<RingResult> {
  const host = await startThreads({
    node: 1,
    reactors: 2,
    bootModule: new URL('./ring-boot.js', import.meta.url),
    bootArguments: () => undefined,
    onGiveUp: (_thread, error) => {
      throw error;
    },
  });
  const sender = wellKnownRef(1, 1, RING_SENDER_SLOT);
  const receiver = wellKnownRef(1, 2, RING_RECEIVER_SLOT);
  const run = (messages: number): Promise<number> =>
    host.system.ask<number>(sender as ActorRef, { ...options, type: 'run', messages, receiver }, 600_000);
  try {
    await run(Math.max(1, Math.floor(options.messages / 10)));
    const elapsedMs = await run(options.messages);
    return { messages: options.messages, seconds: elapsedMs / 1000, rate: options.messages / (elapsedMs / 1000) };
  } finally {
    await host.stop(5000);
  }
}
