import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Actor, ActorContext, AskFailure, TerminationReason } from '../../src/runtime/actor.ts';
import { type ActorRef, wellKnownRef } from '../../src/runtime/ref.ts';
import { SimNetwork, type SimNetworkOptions } from '../../src/runtime/sim/network.ts';

const test = suite('simulated network');

const SLOT = 20;

type Message =
  | { readonly type: 'note'; readonly n: number }
  | { readonly type: 'echo'; readonly value: number }
  | { readonly type: 'ask'; readonly of: ActorRef<Message>; readonly value: number }
  | { readonly type: 'watch'; readonly ref: ActorRef }
  | { readonly type: 'mute' };

/** What happened to the actor of one thread of one node. */
class Recorder implements Actor<Message> {
  readonly notes: number[] = [];
  readonly bytes: number[] = [];
  readonly answers: (number | AskFailure)[] = [];
  readonly ends: TerminationReason[] = [];

  receive(message: Message, ctx: ActorContext<Message>): void {
    switch (message.type) {
      case 'note':
        this.notes.push(message.n);
        break;
      case 'echo':
        ctx.respond(ctx.replyTo()!, message.value);
        break;
      case 'ask':
        ctx.ask<Message, number>(
          message.of,
          { type: message.value < 0 ? 'mute' : 'echo', value: message.value } as Message,
          5000,
          (reply, failure) => this.answers.push(failure ?? reply!),
        );
        break;
      case 'watch':
        ctx.watch(message.ref);
        break;
      case 'mute':
        break;
    }
  }

  receiveBytes(kind: number): void {
    this.bytes.push(kind);
  }

  onTerminated(_ref: ActorRef, reason: TerminationReason): void {
    this.ends.push(reason);
  }
}

function recorderRef(node: number, thread: number): ActorRef<Message> {
  return wellKnownRef(node, thread, SLOT);
}

interface Rig {
  readonly network: SimNetwork;
  /** The present recorder of a thread. */
  recorder(node: number, thread: number): Recorder;
  tell(node: number, thread: number, message: Message): void;
}

function makeRig(changes: Partial<SimNetworkOptions> = {}): Rig {
  const recorders = new Map<string, Recorder>();
  const network = new SimNetwork({
    nodes: 3,
    threads: 3,
    seed: 1,
    boot: (system) => {
      const recorder = new Recorder();
      recorders.set(`${system.node}.${system.thread}`, recorder);
      system.spawn<Message>(() => recorder, { name: 'recorder', wellKnown: SLOT });
    },
    ...changes,
  });
  network.run(50);
  return {
    network,
    recorder: (node, thread) => recorders.get(`${node}.${thread}`)!,
    tell: (node, thread, message) => void network.node(node).system(thread).tell(recorderRef(node, thread), message),
  };
}

test('messages go from any thread to any thread of another node, in order', () => {
  const { network, recorder } = makeRig();
  for (let n = 0; n < 100; n++) {
    network.node(1).system(2).tell(recorderRef(3, 2), { type: 'note', n });
    network.node(2).system(0).tell(recorderRef(3, 0), { type: 'note', n });
  }
  network.run(200);
  for (const thread of [2, 0]) assert.equal(recorder(3, thread).notes, [...Array(100).keys()]);
});

test('what a hook sends at the end of a turn leaves with that turn', () => {
  const { network, recorder } = makeRig();
  const system = network.node(1).system(2);
  let left = 1;
  system.atTurnEnd(() => {
    if (left-- === 1) system.tell(recorderRef(2, 2), { type: 'note', n: 5 });
  });
  system.requestTurn();
  network.run(100);
  assert.equal(recorder(2, 2).notes, [5]);
});

test('a full link pushes back, and says when there is room', () => {
  const { network, recorder } = makeRig({ queueBytes: 2000 });
  const system = network.node(1).system(1);
  let next = 0;
  const send = (): void => {
    for (; next < 300; next++) {
      if (!system.tellBytes(recorderRef(2, 2) as ActorRef, next, new Uint8Array(50), 0, 50))
        return system.whenNodeWritable(2, next, send);
    }
  };
  send();
  assert.ok(next < 300, 'pushed back');
  network.run(1000);
  assert.equal(recorder(2, 2).bytes, [...Array(300).keys()]);
});

test('a node that dies ends asks and watches, and is met again in its next life', () => {
  const { network, recorder, tell } = makeRig();
  tell(1, 2, { type: 'ask', of: recorderRef(2, 2), value: 7 });
  tell(1, 2, { type: 'watch', ref: recorderRef(2, 2) as ActorRef });
  network.run(100);
  assert.equal(recorder(1, 2).answers, [7]);
  tell(1, 2, { type: 'ask', of: recorderRef(2, 2), value: -1 });
  network.run(120);
  network.kill(2, 500);
  network.run(300);
  assert.equal(recorder(1, 2).answers, [7, 'unreachable']);
  assert.equal(recorder(1, 2).ends, ['unreachable']);
  assert.is(network.node(1).system(2).tell(recorderRef(2, 2), { type: 'note', n: 1 }), false);
  network.run(1000);
  tell(1, 2, { type: 'ask', of: recorderRef(2, 2), value: 8 });
  network.run(1100);
  assert.equal(recorder(1, 2).answers, [7, 'unreachable', 8]);
});

test('a way that is cut loses what is on it, both sides notice, and it heals', () => {
  const { network, recorder, tell } = makeRig();
  tell(1, 2, { type: 'watch', ref: recorderRef(2, 2) as ActorRef });
  tell(2, 2, { type: 'watch', ref: recorderRef(1, 2) as ActorRef });
  network.run(100);
  network.cut(1, 2);
  network.run(200);
  // The sender is not sure of what it asked for; the receiver hears nothing more of the sender.
  assert.equal(recorder(1, 2).ends, ['unreachable']);
  assert.equal(recorder(2, 2).ends, ['unreachable']);
  assert.is(network.node(1).system(2).tell(recorderRef(2, 2), { type: 'note', n: 1 }), false);
  assert.is(network.node(2).system(2).tell(recorderRef(1, 2), { type: 'note', n: 2 }), true);
  network.heal(1, 2);
  network.run(300);
  tell(1, 2, { type: 'ask', of: recorderRef(2, 2), value: 9 });
  network.run(400);
  assert.equal(recorder(1, 2).answers, [9]);
  assert.equal(recorder(1, 2).notes, [2]);
});

test('an accepting thread that dies takes all links to its node along, and is replaced', () => {
  const { network, recorder, tell } = makeRig();
  tell(1, 2, { type: 'watch', ref: recorderRef(2, 2) as ActorRef });
  tell(2, 2, { type: 'watch', ref: recorderRef(1, 2) as ActorRef });
  network.run(100);
  network.node(2).kill(1, 50);
  network.run(300);
  assert.equal(recorder(1, 2).ends, ['unreachable']);
  assert.equal(recorder(2, 2).ends, ['unreachable']);
  tell(1, 2, { type: 'ask', of: recorderRef(2, 2), value: 3 });
  network.run(400);
  assert.equal(recorder(1, 2).answers, [3]);
});

test('every watch ends, whatever dies when, and every ask is settled', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { network, recorder, tell } = makeRig({ seed });
    const { prng } = network.world;
    const any = (max: number): number => 1 + Math.floor(prng.next() * max);
    for (let n = 0; n < 10; n++) {
      tell(1, 2, { type: 'watch', ref: recorderRef(2, 1 + (n % 2)) as ActorRef });
      tell(1, 2, { type: 'ask', of: recorderRef(any(2) + 1, any(2)), value: n % 3 === 0 ? -1 : n });
    }
    const atMs = 50 + prng.next() * 5;
    network.at(atMs, () => {
      if (seed % 3 === 0) network.kill(2, 20);
      else if (seed % 3 === 1) network.cut(2, 1);
      else network.node(2).kill(2, 10);
    });
    network.at(atMs + 30, () => network.heal(2, 1));
    network.run(6000);
    assert.is(recorder(1, 2).answers.length, 10, `seed ${seed}`);
    assert.ok(recorder(1, 2).ends.length >= 1, `seed ${seed}: nobody was told`);
  }
});

test('a seed is a run', () => {
  const digest = (seed: number): string => {
    const { network, tell } = makeRig({ seed });
    for (let n = 0; n < 20; n++) tell(1, 1 + (n % 2), { type: 'ask', of: recorderRef(2, 2), value: n });
    network.at(60, () => network.kill(2, 30));
    network.run(500);
    return network.world.trace.digest();
  };
  assert.is(digest(5), digest(5));
  assert.is.not(digest(5), digest(6));
});

test.run();
