// Three simulated nodes with replicas of the metadata, each with a reactor that retains and shows: whatever dies and is cut off, all end with what the metadata has.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MetaClient } from '../../../../src/actors/meta/client/client.ts';
import { DEFAULT_BOUNDS } from '../../../../src/actors/meta/state/bounds.ts';
import { keyOf } from '../../../../src/actors/meta/state/record.ts';
import { groupId } from '../../../../src/actors/raft/group-id.ts';
import { spawnRetained } from '../../../../src/actors/retained/actor.ts';
import type { RetainedMachine } from '../../../../src/actors/retained/machine.ts';
import { RETAINED_PROBE } from '../../../../src/actors/retained/probe.ts';
import { SharedRetainer } from '../../../../src/actors/retained/shared/shared-retainer.ts';
import { SharedStore } from '../../../../src/actors/retained/shared/shared-store.ts';
import { PressureGauge } from '../../../../src/actors/router/pressure.ts';
import { Publisher } from '../../../../src/actors/router/publisher.ts';
import { Router } from '../../../../src/actors/router/router.ts';
import type { Run } from '../../../../src/actors/router/sink.ts';
import type { ActorSystem } from '../../../../src/runtime/system.ts';
import { NODES, ServiceBed } from '../../meta/service-bed.ts';
import { decode, outgoing, payloads } from '../../session/packets.ts';

const test = suite('shared retained messages');
const QUEUE_BYTES = 64 * 1024;
const COUNTS = { metadata: 1, offset: 1, data: 2 };
const GROUPS = [groupId('metadata', 0), groupId('data', 0), groupId('data', 1)];

interface Reactor {
  readonly system: ActorSystem;
  readonly publisher: Publisher;
  readonly router: Router;
  readonly gauge: PressureGauge;
  readonly machine: RetainedMachine;
}

class Bed {
  readonly meta: ServiceBed;
  readonly #reactors: (Reactor | undefined)[] = [];

  constructor(seed: number, bounds = DEFAULT_BOUNDS) {
    this.meta = new ServiceBed(seed, { groups: GROUPS, bounds, onNode: (system, client) => this.#boot(system, client) });
    this.until('all have read', () => NODES.every((node) => this.slot(node, 'reads') >= 2));
  }

  #boot(system: ActorSystem, client: MetaClient): void {
    const { node, thread, reactors, incarnation, slots } = system;
    const router = new Router({ thread, reactors, incarnation, slots, seed: 1, overlap: 'merge' });
    const gauge = new PressureGauge();
    const publisher = new Publisher(system, router, gauge);
    const retainer = new SharedRetainer({
      thread,
      reactors,
      slots,
      gauge,
      client,
      counts: COUNTS,
      now: () => system.now(),
      send: (...record) => publisher.sendRetained(...record),
      tell: (...record) => publisher.tellRetained(...record),
      queueBytesMax: QUEUE_BYTES,
    });
    publisher.shareRetained(retainer);
    system.atTurnEnd(() => retainer.endTurn());
    spawnRetained(system, undefined, false, (machine) => {
      this.#reactors[node] = { system, publisher, router, gauge, machine };
      return new SharedStore({
        node,
        machine,
        client,
        counts: COUNTS,
        slots,
        wallClock: () => system.wallClock(),
        isHome: () => true,
        onTick: () => retainer.tick(),
      });
    });
  }

  at(node: number): Reactor {
    return this.#reactors[node]!;
  }

  /** `settled` gets the code when a publisher would be answered. */
  retain(
    node: number,
    topic: string,
    text: string,
    qos: 0 | 1 = 1,
    expiresAt = 0,
  ): { code: string | undefined; isSettled: boolean } {
    const { publisher, router, system } = this.at(node);
    const { subscriptionIds: _, ...packets } = outgoing([text], { qos, topic, retain: true });
    const answer = { code: undefined as string | undefined, isSettled: false };
    publisher.writes.length = 0;
    publisher.publish({ topic: router.topics.internName(topic)!, publisher: null, ...packets, expiresAt } as unknown as Run);
    for (const write of publisher.writes) {
      write.await({
        written: (code) => {
          answer.code = code;
          answer.isSettled = true;
        },
      });
    }
    system.requestTurn();
    return answer;
  }

  shown(node: number): string {
    const { machine } = this.at(node);
    return machine
      .names()
      .map((name) => {
        const { dialect, packet } = machine.get(name)!;
        return `${name}=${payloads(decode(dialect, packet))}`;
      })
      .join();
  }

  slot(node: number, key: keyof typeof RETAINED_PROBE.slot): number {
    return this.at(node).system.slots[RETAINED_PROBE.slot[key]]!;
  }

  pass(ms: number): void {
    this.meta.run(ms);
  }

  until(what: string, isDone: () => boolean): void {
    this.meta.until(isDone, what);
  }

  all(expected: string): void {
    const isSo = (): boolean => NODES.every((node) => this.shown(node) === expected);
    this.until(`all have ${expected}`, isSo);
  }
}

test('a message is shown at once where it was published, acknowledged when it is written, and shown by all', () => {
  const bed = new Bed(1);
  const answer = bed.retain(1, 'a', '1');
  let isAhead = false;
  while (!answer.isSettled) {
    bed.pass(0.2);
    isAhead ||= bed.shown(1) === 'a=1' && !answer.isSettled;
  }
  assert.ok(isAhead);
  assert.is(answer.code, undefined);
  bed.all('a=1');
  bed.retain(2, 'a', '');
  bed.retain(3, 'b', '2', 0);
  bed.all('b=2');
  bed.until('nobody is ahead', () => NODES.every((node) => bed.slot(node, 'ahead') === 0));
});

test('what a turn retains is one write per group, and what comes while it is under way is the next', () => {
  const bed = new Bed(2);
  bed.retain(1, 'warm', 'up');
  bed.all('warm=up');
  const before = bed.slot(1, 'writes');
  for (let i = 0; i < 500; i++) bed.retain(1, `t/${i % 100}`, String(i), 0);
  const last = bed.retain(1, 't/0', 'last');
  bed.until('it is there', () => last.isSettled);
  bed.until('all of it', () => NODES.every((node) => bed.at(node).machine.size === 101));
  assert.ok(bed.slot(1, 'writes') - before <= 4, `${bed.slot(1, 'writes') - before} writes`);
  assert.is(bed.slot(1, 'written'), 101, 'of each topic the last');
});

/** All living nodes retain for the same topics, messages and deletions. */
function storm(bed: Bed, round: number): { isSettled: boolean }[] {
  const living = NODES.filter((node) => bed.meta.network.isAlive(node));
  return living.flatMap((node) =>
    ['x', 'y', 'zz'].map((topic) => bed.retain(node, topic, (round + topic.length) % 5 === 0 ? '' : `${node}-${round}`)),
  );
}

test('nodes that set the same topics at once agree, and stay so over deaths and cuts', () => {
  for (const seed of [3, 4]) {
    const bed = new Bed(seed);
    for (let round = 0; round < 9; round++) {
      storm(bed, round);
      bed.pass(seed * 2);
      if (round === 3) bed.meta.network.kill(bed.meta.leader(GROUPS[1]), 700);
      if (round === 5) bed.meta.network.cut(2, 3);
      if (round === 7) bed.meta.network.heal(2, 3);
    }
    bed.until('all are back', () => NODES.every((node) => bed.meta.network.isAlive(node)));
    const answers = [9, 10, 11].flatMap((round) => {
      const of = storm(bed, round);
      bed.pass(seed * 2);
      return of;
    });
    bed.until('all is acknowledged', () => answers.every(({ isSettled }) => isSettled));
    bed.until('nobody is ahead', () => NODES.every((node) => bed.slot(node, 'ahead') === 0));
    const said = bed.shown(1);
    bed.all(said);
    assert.ok(said.includes('x='));
  }
});

test('without a quorum a node shows what it knows, and what waits is written when there is one', () => {
  const bed = new Bed(6);
  bed.retain(1, 'known', '1');
  bed.all('known=1');
  bed.meta.network.kill(2, 5000);
  bed.meta.network.kill(3, 5000);
  const answer = bed.retain(1, 'waits', '1');
  bed.pass(3000);
  assert.is(answer.isSettled, false);
  assert.is(bed.shown(1), 'known=1,waits=1');
  bed.until('it is acknowledged', () => answer.isSettled);
  assert.is(answer.code, undefined);
  bed.all('known=1,waits=1');
});

test('publishers wait at half of the queue; those of QoS 0 not for a group without a leader, and what they retain beyond the queue is counted', () => {
  const bed = new Bed(7);
  const payload = 'x'.repeat(2000);
  bed.meta.network.kill(2, 20_000);
  bed.meta.network.kill(3, 20_000);
  const { gauge } = bed.at(1);
  const isWaiting = (): boolean => gauge.take() !== null;
  let next = 0;
  const fill = (bytes: number, qos: 0 | 1): void => {
    while (bed.slot(1, 'unwritten') === 0 && next < bytes / 2300) bed.retain(1, `q/${next++}`, payload, qos);
  };
  fill(QUEUE_BYTES / 2 - 2300, 0);
  assert.is(isWaiting(), false);
  fill(QUEUE_BYTES / 2 + 4600, 0);
  assert.is(isWaiting(), true);
  bed.pass(3000);
  bed.retain(1, 'zero', 'x', 0);
  assert.is(isWaiting(), false, 'in vain');
  bed.retain(1, 'one', 'x', 1);
  assert.is(isWaiting(), true);
  fill(QUEUE_BYTES * 2, 0);
  assert.is(bed.slot(1, 'unwritten'), 1);
  const late = bed.retain(1, 'late', 'x', 1);
  bed.until('what waits is written', () => late.isSettled);
  bed.until('all have it', () => NODES.every((node) => bed.at(node).machine.get('late') !== undefined));
});

test('a full group refuses what is to be kept and lets go what is to be deleted', () => {
  const bed = new Bed(8, { ...DEFAULT_BOUNDS, bytesMax: 4000 });
  bed.retain(1, 'old', 'x'.repeat(1500));
  bed.pass(500);
  const answers = Array.from({ length: 8 }, (_, i) => bed.retain(1, `new/${i}`, 'x'.repeat(1500)));
  const deleted = bed.retain(1, 'old', '');
  bed.until('all are answered', () => [...answers, deleted].every(({ isSettled }) => isSettled));
  assert.ok(answers.some(({ code }) => code === 'SLUICE_STORAGE_FULL'));
  assert.is(deleted.code, 'SLUICE_STORAGE_FULL', 'its turn was refused');
  bed.until('nobody is ahead', () => bed.slot(1, 'ahead') === 0);
  assert.not.ok(bed.shown(1).includes('old='));
  bed.all(bed.shown(1));
});

test('a node that has lost its place reads all again and forgets what is gone', () => {
  const bed = new Bed(9, { ...DEFAULT_BOUNDS, history: { revisionsMax: 5, bytesMax: 1 << 20 } });
  for (const topic of ['a', 'b', 'c']) bed.retain(1, topic, '1');
  bed.all('a=1,b=1,c=1');
  for (const other of NODES.filter((node) => node !== 3)) {
    bed.meta.network.cut(other, 3);
    bed.meta.network.cut(3, other);
  }
  bed.pass(3000);
  bed.retain(1, 'b', '');
  for (let i = 0; i < 40; i++) {
    bed.retain(2, i % 2 === 0 ? 'c' : 'd', String(i));
    bed.pass(30);
  }
  assert.is(bed.shown(3), 'a=1,b=1,c=1');
  for (const other of NODES.filter((node) => node !== 3)) {
    bed.meta.network.heal(other, 3);
    bed.meta.network.heal(3, other);
  }
  const reads = bed.slot(3, 'reads');
  bed.all('a=1,c=38,d=39');
  assert.ok(bed.slot(3, 'reads') > reads);
});

test('what has expired is shown nowhere, and one node deletes it in the metadata, but not what has come since', () => {
  const bed = new Bed(10);
  // Who decides says so.
  const controller = bed.meta.leader(GROUPS[0]);
  bed.meta.put('controller', JSON.stringify({ node: controller }), 0, GROUPS[0]);
  const now = bed.at(1).system.wallClock();
  for (let i = 0; i < 30; i++) bed.retain(1, `e/${i}`, '1', 1, now + 2000);
  bed.retain(2, 'stays', '1');
  bed.until('all have them', () => NODES.every((node) => bed.at(node).machine.size === 31));
  bed.pass(1000);
  bed.retain(3, 'e/7', 'new');
  bed.all('e/7=new,stays=1');
  const keys = (): string[] =>
    GROUPS.slice(1)
      .flatMap((group) => [...bed.meta.replicas[1]!.get(group)!.machine.keyspace.range('', '')])
      .map(({ key }) => key)
      .sort();
  bed.until('they are gone from the metadata', () => keys().length === 2);
  assert.equal(keys(), ['r/e/7', 'r/stays'].map(keyOf));
});

test.run();
