// Node processes over QUIC, with certificates.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadQuic } from '../../src/wire/quic-transport.ts';
import { nodeKeys } from '../wire/keys/read-keys.ts';
import { ownAddress } from '../wire/nodes.ts';
import { Broker } from './broker.ts';

const quic = await loadQuic(nodeKeys()).catch(() => undefined);
if (quic === undefined) {
  console.log('skipped: @matrixai/quic is not installed');
} else {
  const test = suite('cluster over QUIC');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-quic-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  const keys = fileURLToPath(new URL('../../../spec/wire/keys/', import.meta.url));

  test('two processes find each other', async () => {
    const makeTransport = () => quic;
    const ports = [(await ownAddress({ makeTransport })).port, (await ownAddress({ makeTransport })).port];
    const start = (id: number): Promise<Broker> =>
      Broker.start({
        'node.id': id,
        'node.data': join(folder, String(id)),
        'cluster.meta': ports.map((port, i) => `${i + 1}@127.0.0.1:${port}`).join(','),
        // The wire alone: who shares metadata is ready when a majority of it is there.
        'storage.enabled': 'false',
        'wire.port': ports[id - 1]!,
        'wire.transport': 'quic',
        'wire.tls.cert': join(keys, 'node.cert.pem'),
        'wire.tls.key': join(keys, 'node.key.pem'),
        'wire.tls.ca': join(keys, 'ca.cert.pem'),
      });
    const a = await start(1);
    const b = await start(2);
    assert.is((await b.node.ready()).wire, `127.0.0.1:${ports[1]}`);
    for (const node of [a, b]) await node.untilMetric('sluice_wire_links', (links) => links >= 1);
    assert.equal(await Promise.all([a.stop(), b.stop()]), [0, 0]);
  });

  test.run();
}
