/** What a message of QoS 2 leads to lies in two logs when its topic has a log of its own: the mark that it has been taken must never be there alone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import { DedicatedJournals } from '../../../src/storage/engines/journal.ts';
import { journalOptions } from '../../storage/journal-model.ts';
import { SimDisk } from '../../storage/sim-disk.ts';
import { Reactors } from '../session/reactors.ts';
import type { SimStoreOptions } from './sim-store.ts';

const test = suite('commit order');
const topic: Declaration = {
  name: 'apart',
  filter: 'apart/#',
  engine: 'dedicated',
  shards: [1],
  fsync: 'always',
  retentionMs: 0,
  retentionBytes: 0,
  replicas: 1,
};
const session = { clean: false, properties: { sessionExpiryInterval: 3600 } };

function recordsIn(disk: SimDisk): number {
  const engine = new DedicatedJournals(journalOptions(disk.fork(), 9, { directory: '/data/dedicated' }));
  return engine.stat(1).next;
}

test('a crash between the commits of two logs costs no message that is acknowledged in the end', () => {
  // The n-th sync from the publish on fails, and power with it: every place between two commits is met.
  let crashes = 0;
  for (let failing = 1; failing <= 4; failing++) {
    const store: SimStoreOptions = { disk: new SimDisk(), metadata: new Map(), declarations: [topic], failures: [] };
    let publisher = new Reactors(1, {}, 1, store).connect(1, 'p', session);
    publisher.received();
    store.disk.failSync = { after: failing, code: 'EIO' };
    publisher.publish('x', { topic: 'apart/1', qos: 2, messageId: 7 });
    const wasAcknowledged = publisher.received().some(({ cmd }) => (cmd as string) === 'pubrec');
    if (store.failures.length > 0) crashes++;
    store.disk.crash(() => 0);
    publisher = new Reactors(1, {}, 2, store).connect(1, 'p', session);
    publisher.received();
    if (!wasAcknowledged) {
      publisher.publish('x', { topic: 'apart/1', qos: 2, messageId: 7, dup: true });
      assert.is(publisher.received().filter(({ cmd }) => (cmd as string) === 'pubrec').length, 1);
    }
    assert.ok(recordsIn(store.disk) >= 1, `sync ${failing} failed, and the message is gone`);
  }
  assert.ok(crashes >= 2, `both commits are met (${crashes})`);
});

test.run();
