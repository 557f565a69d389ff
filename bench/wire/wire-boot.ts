/** Boot module of the nodes of the wire bench: the sender is node 1, the receiver node 2; an actor of each is on every reactor. */
import type { Actor, ActorContext, ReplyTo } from '../../src/runtime/actor.ts';
import { type ActorRef, wellKnownRef } from '../../src/runtime/ref.ts';
import type { ActorSystem } from '../../src/runtime/system.ts';
import { startWire } from '../../src/wire/wire-actor.ts';
import { makeTransport } from './make-transport.ts';
import type { WireOptions, WireRun } from './orders.ts';

export const BENCH_SLOT = 40;

export interface BenchBoot {
  readonly options: WireOptions;
  readonly peerPort: number;
  readonly port: number;
}

type Go = { readonly type: 'go' };
export type ToSender = { readonly type: 'run'; readonly messages: number; readonly roundTrips: number } | Go;
type ToReceiver =
  | { readonly type: 'expect'; readonly messages: number }
  | { readonly type: 'echo'; readonly payload: Uint8Array };

export async function boot(system: ActorSystem, { options, port, peerPort }: BenchBoot): Promise<void> {
  await startWire(system, {
    cluster: 'bench',
    incarnation: 1,
    roles: [],
    secret: 'bench',
    transport: await makeTransport(options.transport),
    address: `127.0.0.1:${port}`,
    peers: peerPort === 0 ? [] : [{ node: 2, host: '127.0.0.1', port: peerPort }],
    ...(system.thread === 1 ? { listen: { host: '127.0.0.1', port } } : {}),
  });
  if (system.node === 1) system.spawn<ToSender>(() => new Sender(system, options), { name: 'sender', wellKnown: BENCH_SLOT });
  else system.spawn<ToReceiver>(() => new Receiver(), { name: 'receiver', wellKnown: BENCH_SLOT, mailboxMax: 1_000_000 });
}

/** One run: single round trips first, then the load. */
class Sender implements Actor<ToSender> {
  readonly #system: ActorSystem;
  readonly #options: WireOptions;
  readonly #receiver: ActorRef<ToReceiver>;
  readonly #payload: Uint8Array;
  readonly #roundTripsUs: number[] = [];
  #to: ReplyTo | undefined;
  #left = 0;
  #underWay = 0;
  #messages = 0;
  #startMs = 0;
  #pingMs = 0;

  constructor(system: ActorSystem, options: WireOptions) {
    this.#system = system;
    this.#options = options;
    this.#receiver = wellKnownRef(2, options.targetThread, BENCH_SLOT);
    this.#payload = new Uint8Array(options.bytes).fill(7);
  }

  receive(message: ToSender, ctx: ActorContext<ToSender>): void {
    if (message.type === 'go') {
      this.#flood(ctx);
      return;
    }
    this.#to = ctx.replyTo();
    this.#messages = message.messages;
    this.#roundTripsUs.length = 0;
    this.#ping(message.roundTrips, ctx);
  }

  #ping(left: number, ctx: ActorContext<ToSender>): void {
    if (left === 0) {
      this.#load(ctx);
      return;
    }
    this.#pingMs = performance.now();
    ctx.tellBytes(this.#receiver as ActorRef, 2, this.#payload, 0, this.#payload.length);
    this.#left = left;
  }

  receiveBytes(_kind: number, _bytes: Uint8Array, _start: number, _end: number, ctx: ActorContext<ToSender>): void {
    this.#roundTripsUs.push((performance.now() - this.#pingMs) * 1000);
    this.#ping(this.#left - 1, ctx);
  }

  #load(ctx: ActorContext<ToSender>): void {
    this.#startMs = performance.now();
    this.#left = this.#messages;
    if (this.#options.mode === 'ask') {
      this.#askMore(ctx);
      return;
    }
    ctx.ask<ToReceiver, boolean>(this.#receiver, { type: 'expect', messages: this.#messages }, 600_000, (_, failure) => {
      if (failure !== undefined) throw new Error(failure);
      this.#done(ctx);
    });
    // What is expected travels in another class than the messages: it must be there first.
    ctx.ask<ToReceiver, unknown>(this.#receiver, { type: 'echo', payload: this.#payload }, 600_000, () => this.#flood(ctx));
  }

  #flood(ctx: ActorContext<ToSender>): void {
    const { batch, bytes } = this.#options;
    const round = Math.min(batch, this.#left);
    let sent = 0;
    while (sent < round && ctx.tellBytes(this.#receiver as ActorRef, 1, this.#payload, 0, bytes)) sent++;
    this.#left -= sent;
    if (this.#left === 0) return;
    if (sent === round) ctx.tell(ctx.self, { type: 'go' });
    else this.#system.whenNodeWritable(2, 1, () => ctx.tell(ctx.self, { type: 'go' }));
  }

  #askMore(ctx: ActorContext<ToSender>): void {
    while (this.#left > 0 && this.#underWay < this.#options.batch) {
      this.#left--;
      this.#underWay++;
      ctx.ask<ToReceiver, unknown>(this.#receiver, { type: 'echo', payload: this.#payload }, 60_000, (_, failure) => {
        if (failure !== undefined) throw new Error(failure);
        this.#underWay--;
        if (this.#left > 0) this.#askMore(ctx);
        else if (this.#underWay === 0) this.#done(ctx);
      });
    }
  }

  #done(ctx: ActorContext<ToSender>): void {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const run: WireRun = { messages: this.#messages, seconds, roundTripsUs: [...this.#roundTripsUs] };
    ctx.respond(this.#to!, run);
  }
}

class Receiver implements Actor<ToReceiver> {
  #left = 0;
  #to: ReplyTo | undefined;

  receive(message: ToReceiver, ctx: ActorContext<ToReceiver>): void {
    if (message.type === 'expect') {
      this.#left = message.messages;
      this.#to = ctx.replyTo();
    } else {
      ctx.respond(ctx.replyTo()!, message.payload);
    }
  }

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<ToReceiver>): void {
    if (kind === 2) ctx.tellBytes(ctx.sender, 2, bytes, start, end);
    else if (--this.#left === 0) ctx.respond(this.#to!, true);
  }
}
