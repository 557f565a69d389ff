/** Boot module of the ring bench: the sender lives on reactor 1, the receiver on reactor 2. */
import type { Actor, ActorContext, ReplyTo } from '../../src/runtime/actor.ts';
import type { ActorRef } from '../../src/runtime/ref.ts';
import type { ActorSystem } from '../../src/runtime/system.ts';
import { RING_RECEIVER_SLOT, RING_SENDER_SLOT, type RunRequest } from './ring.ts';

interface Expect {
  readonly type: 'expect';
  readonly messages: number;
}
type ToReceiver = Expect | { readonly type: 'tick'; readonly n: number };
type ToSender = RunRequest | { readonly type: 'go' };

export function boot(system: ActorSystem): void {
  if (system.thread === 1) system.spawn(() => new Sender(system), { name: 'ring-sender', wellKnown: RING_SENDER_SLOT });
  else system.spawn(() => new Receiver(), { name: 'ring-receiver', wellKnown: RING_RECEIVER_SLOT, mailboxMax: 1_000_000 });
}

class Sender implements Actor<ToSender> {
  readonly #system: ActorSystem;
  #run: RunRequest | undefined;
  #left = 0;
  #payload: Uint8Array = new Uint8Array(0);

  constructor(system: ActorSystem) {
    this.#system = system;
  }

  receive(message: ToSender, ctx: ActorContext<ToSender>): void {
    if (message.type === 'run') this.#start(message, ctx.replyTo()!, ctx);
    else this.#send(ctx);
  }

  #start(run: RunRequest, to: ReplyTo, ctx: ActorContext<ToSender>): void {
    this.#run = run;
    this.#left = run.messages;
    this.#payload = new Uint8Array(run.bytes).fill(7);
    const startMs = ctx.now();
    const expect: Expect = { type: 'expect', messages: run.messages };
    ctx.ask<Expect, boolean>(run.receiver as ActorRef<Expect>, expect, 600_000, (_, failure) => {
      if (failure !== undefined) throw new Error(failure);
      ctx.respond(to, ctx.now() - startMs);
    });
    this.#send(ctx);
  }

  #send(ctx: ActorContext<ToSender>): void {
    const { receiver, batch, bytes, objects } = this.#run!;
    const round = Math.min(batch, this.#left);
    let sent = 0;
    if (objects === true) {
      const target = receiver as ActorRef<ToReceiver>;
      while (sent < round && ctx.tell(target, { type: 'tick', n: sent })) sent++;
    } else {
      while (sent < round && ctx.tellBytes(receiver, 1, this.#payload, 0, bytes)) sent++;
    }
    this.#left -= sent;
    if (this.#left === 0) return;
    if (sent === round) ctx.tell(ctx.self, { type: 'go' });
    else this.#system.whenWritable(2, () => ctx.tell(ctx.self, { type: 'go' }));
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
      this.#count(ctx);
    }
  }

  receiveBytes(_kind: number, _bytes: Uint8Array, _start: number, _end: number, ctx: ActorContext<ToReceiver>): void {
    this.#count(ctx);
  }

  #count(ctx: ActorContext<ToReceiver>): void {
    if (--this.#left === 0) ctx.respond(this.#to!, true);
  }
}
