/** What main and a reactor thread tell each other beside the rings: birth, links, deaths, the end. */
import type { MessagePort } from 'node:worker_threads';
import { realClock } from '../base/clock.ts';
import { Link } from './link.ts';
import { type ChannelMemory, RingInlet, RingOutlet } from './ring-channel.ts';

/** One thread's end of the connection to another thread's present incarnation. */
export interface LinkEnd {
  /** The other thread. */
  readonly thread: number;
  readonly incarnation: number;
  readonly outbound: ChannelMemory;
  readonly inbound: ChannelMemory;
  /** For large records, both ways. */
  readonly port: MessagePort;
  readonly theirBell: SharedArrayBuffer;
}

/** `workerData` of a reactor thread. */
export interface Birth {
  readonly node: number;
  readonly thread: number;
  readonly incarnation: number;
  readonly reactors: number;
  /** How often the node has been started. */
  readonly boots: number;
  readonly slots: SharedArrayBuffer;
  readonly bell: SharedArrayBuffer;
  readonly links: readonly LinkEnd[];
  /** URL of the module whose `boot(system, bootArguments)` starts the thread's actors. */
  readonly bootModule: string;
  readonly bootArguments: unknown;
}

export type ToThread =
  | { readonly type: 'attach'; readonly link: LinkEnd }
  | { readonly type: 'up'; readonly thread: number }
  | { readonly type: 'down'; readonly thread: number }
  /** All threads have booted: serve. */
  | { readonly type: 'serve' }
  | { readonly type: 'drain'; readonly deadlineMs: number }
  /** See guests.ts. */
  | { readonly type: 'guest'; readonly kind: string; readonly argument: unknown; readonly port: MessagePort }
  | { readonly type: 'exit' };

/** `booted`: its actors are there; `serving`: the outside is let in. */
export type FromThread = { readonly type: 'booted' } | { readonly type: 'serving' } | { readonly type: 'drained' };

export function openLink(end: LinkEnd): Link {
  end.port.unref();
  const outlet = new RingOutlet(end.outbound, end.port, end.theirBell);
  return new Link(end.thread, end.incarnation, outlet, new RingInlet(end.inbound, end.port, end.theirBell));
}

/** A generator seed that differs between threads and incarnations. */
export function seedOf(thread: number, incarnation: number): number {
  return Math.floor(realClock.wallClock()) + thread * 1_000_003 + incarnation * 7919;
}
