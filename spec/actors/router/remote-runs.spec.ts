import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PressureGauge, PressureSource } from '../../../src/actors/router/pressure.ts';
import { remoteRuns } from '../../../src/actors/router/remote-runs.ts';
import { Router } from '../../../src/actors/router/router.ts';
import { encodedRunSize, encodeRun } from '../../../src/actors/router/run-codec.ts';
import type { Run } from '../../../src/actors/router/sink.ts';
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { decode, outgoing, payloads } from '../session/packets.ts';
import { slots } from '../session/services.ts';

const test = suite('remote runs');

function subject() {
  const router = new Router({ thread: 1, reactors: 3, incarnation: 0, slots: slots(), seed: 1 });
  const gauge = new PressureGauge();
  const holds: string[] = [];
  const system = {
    reactors: 3,
    holdInbound: (thread: number, hold: boolean) => holds.push(`${thread} ${hold}`),
  } as unknown as ActorSystem;
  const shares = { receive: () => assert.unreachable('no shared run was sent') };
  const publisher = { passing: { from: 0, unit: 0 } };
  const onRun = remoteRuns(system, router, gauge, shares, publisher, null);
  const delivered: string[] = [];
  let presses: PressureSource | null = null;
  const sink = {
    deliver(run: Run) {
      delivered.push(`${run.topic.name} ${payloads(decode(run.dialect, run.buffer.subarray(run.start, run.end)))}`);
      if (presses !== null) gauge.meet(presses);
    },
    deliveryFailed() {},
  };
  router.subscribe(sink, '#', { qos: 1 });
  return {
    holds,
    delivered,
    press: (source: PressureSource | null) => {
      presses = source;
    },
    arrive(from: number, text: string) {
      const { subscriptionIds: _, ...packets } = outgoing([text], { topic: 'a/b' });
      const run: Run = { topic: router.topics.internName('a/b')!, publisher: null, ...packets };
      const record = new Uint8Array(encodedRunSize(run) + 5);
      encodeRun(run, from, record, 5);
      onRun(1, record, 5, record.length);
    },
  };
}

test('delivers to the sessions here', () => {
  const { arrive, delivered, holds } = subject();
  arrive(2, 'x');
  arrive(3, 'y');
  assert.equal(delivered, ['a/b x', 'a/b y']);
  assert.equal(holds, []);
});

test('leaves the ring of the publisher’s reactor to fill up until all pressure is off', () => {
  const { arrive, press, holds } = subject();
  const [one, two] = [new PressureSource(), new PressureSource()];
  press(one);
  arrive(2, 'x');
  arrive(2, 'what was in the turn already');
  press(two);
  arrive(2, 'y');
  arrive(3, 'z');
  assert.equal(holds, ['2 true', '3 true']);
  two.relieve();
  assert.equal(holds, ['2 true', '3 true', '3 false']);
  one.relieve();
  assert.equal(holds, ['2 true', '3 true', '3 false', '2 false']);
  press(null);
  arrive(2, 'w');
  assert.is(holds.length, 4);
});

test.run();
