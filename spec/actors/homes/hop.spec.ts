// Three simulated nodes with stores and a directory: clients go from node to node under publishers everywhere, links are cut, nodes die and come back. More seeds: `node dist/spec/actors/homes/sweep.js`.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeCodec } from '../../../src/runtime/sim/network.ts';
import { codecBetween } from '../schema-codec.ts';
import { Hopper, Nodes } from './nodes.ts';
import { type Faults, run } from './scenario.ts';
import { StubMetadata } from './stub-metadata.ts';

const test = suite('sessions that hop');

function sweep(faults: Faults, seeds: readonly number[], codecs: readonly NodeCodec[] = [codecBetween('this', 'this')]): void {
  let moved = 0;
  let adopted = 0;
  let further = 0;
  // A storm that no seed here has drawn yet may find what is not known: that is for sweeps.
  const extra = faults === 'none' || faults === 'cuts' ? [Math.floor(Math.random() * 2 ** 31)] : [];
  for (const [i, seed] of [...seeds, ...extra].entries()) {
    try {
      const scenario = run(seed, faults, { codec: codecs[i % codecs.length] });
      moved += scenario.total('moved');
      adopted += scenario.total('adopted');
      further += scenario.total('further');
    } catch (error) {
      console.log(`seed ${seed}, ${faults}`);
      throw error;
    }
  }
  assert.ok(moved > 0, `${moved} moves`);
  if (faults === 'none') return assert.is(further, 0, 'nothing comes afterwards');
  if (faults === 'deaths' || faults === 'stops' || faults === 'storm' || faults === 'rot')
    assert.ok(adopted > 0, 'somebody has gone on without a home that answers');
  if (faults === 'storm') assert.ok(further > 0, 'former homes have given on what came later');
}

/** Lets time pass, and the clients answer, until something is so. */
function waiterOf(
  nodes: Nodes,
  clients: readonly Hopper[],
  { stepMs, steps }: { readonly stepMs: number; readonly steps: number },
): (what: string, isSo: () => boolean) => void {
  return (what, isSo) => {
    for (let i = 0; i < steps && !isSo(); i++) {
      nodes.pass(stepMs);
      for (const client of clients) client.pump(Number.MAX_SAFE_INTEGER);
    }
    assert.ok(isSo(), what);
  };
}

// Between nodes of two releases that follow each other, either way.
test('while all is well every message comes once, in order, wherever its client is', () =>
  sweep('none', [0], [codecBetween('next', 'this'), codecBetween('this', 'next')]));

test('over links that are lost nothing is, whichever they are and in whichever direction', () => sweep('cuts', [4]));

test('a node that dies takes nothing with it that its client was not told of', () => sweep('deaths', [0, 1]));

test('nor does one that ends in order, whatever is published until its end', () => sweep('stops', [8, 12]));

test('a directory that is late, silent, or does what it was asked long afterwards loses nobody', () => sweep('fickle', [0]));

test('nor does all of that at a time', () => sweep('storm', [45, 54, 122, 169]));

test('nor do disks that fail', () => sweep('rot', [3, 4, 6, 39]));

test('a session moves under a stream that does not end', () => {
  const nodes = new Nodes(5, new StubMetadata(5));
  const client = new Hopper('h', 't/#');
  const publishers = [1, 2, 3].map((node) => ({ node, hopper: new Hopper(`p${node}`), sent: 0 }));
  const until = waiterOf(nodes, [client, ...publishers.map(({ hopper }) => hopper)], { stepMs: 2, steps: 2000 });
  client.connect(nodes, 1, 1);
  for (const { node, hopper } of publishers) hopper.connect(nodes, node, 2);
  until('all are there', () => client.isSubscribed && publishers.every(({ hopper }) => hopper.isOnline));
  nodes.pass(2000);
  let isStreaming = true;
  const stream = (): void => {
    if (!isStreaming) return;
    for (const publisher of publishers) publisher.hopper.publish(`t/${publisher.node}`, String(publisher.sent++), 1);
    nodes.network.at(nodes.network.world.nowMs + 0.2, stream);
  };
  stream();
  nodes.pass(20);
  client.leave();
  client.connect(nodes, 2, 1);
  until('it is there', () => client.isOnline && client.hadSession);
  isStreaming = false;
  const got = (node: number): string[] => client.got.get(`t/${node}`) ?? [];
  until('everything comes', () => publishers.every(({ node, sent }) => got(node).length >= sent));
  for (const { node, sent } of publishers)
    assert.equal(
      got(node),
      Array.from({ length: sent }, (_, i) => String(i)),
      `from node ${node}, once and in order`,
    );
});

test('a session whose messages the new home cannot write stays where it is', () => {
  const nodes = new Nodes(4, new StubMetadata(4));
  const client = new Hopper('h', 't/#');
  const publisher = new Hopper('p');
  const until = waiterOf(nodes, [client, publisher], { stepMs: 20, steps: 1000 });
  client.connect(nodes, 1, 1);
  publisher.connect(nodes, 1, 2);
  until('both are there', () => client.isSubscribed && publisher.isOnline);
  nodes.pass(2000);
  client.leave();
  for (let i = 0; i < 20; i++) publisher.publish(`t/${1 + (i % 2)}`, String(i), i % 2 === 0 ? 1 : 2);
  until('they are acknowledged', () => publisher.acknowledged.length === 20);
  const { disk } = nodes.stores.get(2)!;
  disk.capacity = 0;
  client.connect(nodes, 2, 1);
  until('the client is refused', () => client.refusals > 0);
  assert.equal(nodes.homesOf('h'), [1]);
  disk.capacity = Number.MAX_SAFE_INTEGER;
  const got = (): string[] => [...client.got.values()].flat().sort((a, b) => Number(a) - Number(b));
  const all = Array.from({ length: 20 }, (_, i) => String(i));
  until('it comes when there is room', () => {
    if (!client.isConnected) client.connect(nodes, 2, 1);
    return client.isOnline && got().length >= 20;
  });
  assert.is(client.hadSession, true);
  assert.equal(got(), all);
  assert.equal(nodes.homesOf('h'), [2]);
});

test('a home that knows nothing of the ids that its client has not released frees each before it is used', () => {
  const nodes = new Nodes(3, new StubMetadata(3));
  const client = new Hopper('h', 't/#');
  const publisher = new Hopper('p');
  const until = waiterOf(nodes, [client, publisher], { stepMs: 20, steps: 1000 });
  client.connect(nodes, 1, 1);
  publisher.connect(nodes, 2, 1);
  until('both are there', () => client.isSubscribed && publisher.isOnline);
  nodes.pass(2000);
  nodes.kill(1);
  client.forget();
  client.holdAllIds();
  nodes.pass(4000);
  client.connect(nodes, 2, 2);
  until('somebody goes on with the session', () => client.isOnline && client.hadSession);
  const publish = (from: number): void => {
    for (let i = from; i < from + 50; i++) publisher.publish(`t/${1 + (i % 2)}`, String(i), i % 2 === 0 ? 1 : 2);
  };
  const got = (): number => [...client.got.values()].flat().length;
  publish(0);
  until('all come, though the client has a message with each id', () => got() === 50);
  client.leave();
  client.connect(nodes, 3, 1);
  until('it moves on', () => client.isOnline && client.hadSession);
  publish(50);
  until('its next home knows that as well', () => got() === 100);
  client.leave();
  client.connect(nodes, 3, 2);
  until('it comes back', () => client.isOnline);
  publish(100);
  until('and once is enough', () => got() >= 150);
  nodes.pass(1000);
  client.pump(Number.MAX_SAFE_INTEGER);
  const all = [...client.got.values()].flat();
  assert.is(new Set(all).size, 150);
  assert.is(all.length, 150, 'none comes twice');
  assert.equal(
    nodes.failures.map((error) => error.stack),
    [],
  );
});

test.run();
