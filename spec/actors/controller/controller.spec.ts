/** Who is up and who is down, as all nodes read it: over deaths, returns, and the death of the controller itself. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ControllerActor } from '../../../src/actors/controller/actor.ts';
import { NodeStates } from '../../../src/actors/controller/machine.ts';
import {
  CONTROLLER_KEY,
  decodeNodeRecord,
  encodeJson,
  LIVE_PREFIX,
  NODE_PREFIX,
  NODES_GROUP,
  nodeOfKey,
} from '../../../src/actors/controller/messages.ts';
import { RegistrarActor } from '../../../src/actors/controller/registrar.ts';
import { NODE_LEASE_MS } from '../../../src/base/limits.ts';
import { ServiceBed } from '../meta/service-bed.ts';

const test = suite('controller');

function bedOf(seed: number): ServiceBed {
  return new ServiceBed(seed, {
    groups: [NODES_GROUP],
    onNode: (system, client, raft) => {
      const { node } = system;
      system.spawn(() => new ControllerActor({ node, client, raft, onChange: () => {} }), { name: 'controller' });
      system.spawn(() => new RegistrarActor(client, { node, replica: `${node}.1`, roles: [], version: '1' }), {
        name: 'registrar',
      });
    },
  });
}

function stateOf(bed: ServiceBed, node: number): string {
  const text = bed.get(`${NODE_PREFIX}${node}`, NODES_GROUP);
  const record = text === undefined ? undefined : decodeNodeRecord(Buffer.from(text));
  return record === undefined ? 'unknown' : `${record.state} ${record.epoch}`;
}

const until = (bed: ServiceBed, node: number, state: string): void =>
  bed.until(() => stateOf(bed, node) === state, `node ${node} is ${state}`);

test('nodes come, go and come again, and each time counts', () => {
  const bed = bedOf(1);
  for (const node of [1, 2, 3]) until(bed, node, 'up 1');
  const gone = [1, 2, 3].find((node) => node !== bed.leader(NODES_GROUP))!;
  const diedMs = bed.network.world.nowMs;
  bed.network.kill(gone);
  until(bed, gone, 'down 1');
  assert.ok(bed.network.world.nowMs - diedMs >= NODE_LEASE_MS / 2, 'its lease had been renewed just before');
  for (const node of [1, 2, 3]) if (node !== gone) assert.is(stateOf(bed, node), 'up 1');
});

test('a node that is back before its lease has ended has come anew all the same', () => {
  const bed = bedOf(2);
  for (const node of [1, 2, 3]) until(bed, node, 'up 1');
  const node = [1, 2, 3].find((each) => each !== bed.leader(NODES_GROUP))!;
  bed.network.kill(node, 200);
  until(bed, node, 'up 2');
});

test('when the controller dies another one goes on, and says of the first that it is down', () => {
  const bed = bedOf(3);
  for (const node of [1, 2, 3]) until(bed, node, 'up 1');
  const first = bed.leader(NODES_GROUP);
  bed.network.kill(first, 8000);
  until(bed, first, 'down 1');
  until(bed, first, 'up 2');
});

test('a cluster on which nothing happens writes nothing, and its nodes stay up', () => {
  const bed = bedOf(6);
  for (const node of [1, 2, 3]) until(bed, node, 'up 1');
  bed.run(2000);
  const applied = (): number[] => [1, 2, 3].map((node) => bed.replicas[node]!.get(NODES_GROUP)!.appliedIndex);
  const before = applied();
  bed.run(10 * NODE_LEASE_MS);
  assert.equal(applied(), before);
  for (const node of [1, 2, 3]) assert.is(stateOf(bed, node), 'up 1');
});

test('a controller that was followed by another writes nothing', () => {
  const bed = bedOf(4);
  for (const node of [1, 2, 3]) until(bed, node, 'up 1');
  // As another controller would: the epoch is not that of the one at work any more.
  bed.do({ type: 'write', puts: [{ key: CONTROLLER_KEY, value: encodeJson({ node: 9 }), lease: 0 }], deletes: [] }, NODES_GROUP);
  const live = { key: `${LIVE_PREFIX}7`, value: encodeJson({ node: 7 }), lease: 0 };
  bed.do({ type: 'write', puts: [live], deletes: [] }, NODES_GROUP);
  // Its record was refused; it begins anew, under an epoch of its own, and finds what it has missed.
  until(bed, 7, 'up 1');
  assert.not.equal(JSON.parse(bed.get(CONTROLLER_KEY, NODES_GROUP)!).node, 9);
});

test('registrations become states', () => {
  const states = new NodeStates();
  const one = { node: 1, state: 'up', sinceMs: 5, epoch: 3, registered: 10 } as const;
  const two = { node: 2, state: 'up', sinceMs: 5, epoch: 1, registered: 9 } as const;
  const three = { node: 3, state: 'up', sinceMs: 5, epoch: 1, registered: 8 } as const;
  for (const record of [one, two, three]) states.remember(record);
  assert.is(states.came(1, 10, 20), undefined, 'it was up before this controller was');
  assert.equal(states.came(3, 11, 20), { ...three, sinceMs: 20, epoch: 2, registered: 11 }, 'gone and back while nobody looked');
  assert.equal(states.missing(30), [{ ...two, state: 'down', sinceMs: 30 }]);
  assert.equal(states.came(1, 12, 40), { ...one, sinceMs: 40, epoch: 4, registered: 12 }, 'another registration is another life');
  assert.equal(states.came(2, 13, 50), { ...two, sinceMs: 50, epoch: 2, registered: 13 });
  assert.equal(states.went(2, 60), { ...two, state: 'down', sinceMs: 60, epoch: 2, registered: 13 });
  assert.is(states.went(2, 70), undefined);
  assert.is(states.went(9, 70), undefined, 'nobody knows it');
});

test('keys and records of something else are left alone', () => {
  for (const key of ['n/', 'n/x', 'n/12345', 'm/1', 'n/1/2']) assert.is(nodeOfKey(key, LIVE_PREFIX), undefined);
  assert.is(nodeOfKey('n/12', LIVE_PREFIX), 12);
  for (const text of ['', '{', '{}', '{"node":1,"state":"gone","sinceMs":1,"epoch":1}', '[]', 'null']) {
    assert.is(decodeNodeRecord(Buffer.from(text)), undefined);
  }
});

test.run();
