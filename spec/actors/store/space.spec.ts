/** The store gives space back while it works: simulated reactors, a simulated disk. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import { STORE_SLOT } from '../../../src/actors/store/messages.ts';
import { STORE_PROBE } from '../../../src/actors/store/probe.ts';
import { wellKnownRef } from '../../../src/runtime/ref.ts';
import { SimDisk } from '../../storage/sim-disk.ts';
import { payloads } from '../session/packets.ts';
import { Reactors } from '../session/reactors.ts';
import type { SimStoreOptions } from './sim-store.ts';

const test = suite('space');

const DECLARED: Declaration = {
  name: 'telemetry',
  filter: 'sensors/#',
  engine: 'shared',
  shards: [1],
  fsync: 'always',
  retentionMs: 1000,
  retentionBytes: 0,
  replicas: 1,
};

test('an inbox that nobody empties does not keep the segments of others, and its messages come in the end', () => {
  const store: SimStoreOptions = { disk: new SimDisk(), metadata: new Map(), declarations: [DECLARED], failures: [] };
  const reactors = new Reactors(1, {}, 1, store);
  const { system } = reactors.services.get(1)!;
  const retain = { type: 'retain', engine: 'shared', shard: 1, retentionMs: 1000, retentionBytes: 0, isCompacted: false };
  system.tell(wellKnownRef<never>(system.node, 2, STORE_SLOT), retain as never);
  const away = reactors.connect(1, 'away', { clean: false });
  away.subscribe('old', 1);
  away.transport.close();
  const publisher = reactors.connect(1, 'p');
  publisher.publish('kept', { topic: 'old', qos: 1, messageId: 1 });
  const large = 'x'.repeat(30_000);
  const segments = (): number => store.disk.paths().filter((path) => /shared\/\d+\.seg$/.test(path)).length;
  for (let i = 0; i < 100; i++) publisher.publish(large, { topic: 'sensors/1', qos: 1, messageId: 2 });
  assert.ok(segments() > 8, `${segments()} segments are written`);
  publisher.received();
  // Commits go on while the front is being rewritten.
  for (let i = 0; i < 40; i++) {
    reactors.settle(3000);
    publisher.publish('small', { topic: 'sensors/1', qos: 1, messageId: 2 });
  }
  assert.is(publisher.received().length, 40);
  assert.ok(segments() <= 4, `${segments()} segments are left`);
  const { slots } = reactors.cluster.system(2);
  assert.ok(slots[STORE_PROBE.slot.bytesRewritten]! > 1_000_000);
  assert.is(slots[STORE_PROBE.slot.rewritesFailed], 0);
  store.disk.crash(() => 0.5);
  const second = new Reactors(1, {}, 2, store);
  const again = second.connect(1, 'away', { clean: false });
  assert.equal(payloads(again.received().filter(({ cmd }) => cmd === 'publish')), ['kept']);
});

test.run();
