// Shared subscriptions over real sockets and threads.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';
import { puback, type RawClient } from './raw-client.ts';

for (const threads of [1, 3]) {
  const test = suite(`shared subscriptions, ${threads} reactors`);
  let broker: Broker;
  test.before(async () => {
    broker = await Broker.start({ 'node.threads': threads, 'mqtt.shared.groups': 'one=sticky' });
  });
  test.after(async () => {
    await broker.assertSound();
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  });

  async function member(filter: string, level: 4 | 5): Promise<RawClient> {
    const client = await broker.connect({ level });
    assert.equal(await client.subscribe(filter, { qos: 1 }), [1]);
    return client;
  }

  const payloads = async (client: RawClient): Promise<string[]> =>
    (await client.settled()).map((packet) => String((packet as unknown as { payload: Buffer }).payload));

  /** Publishes and waits until every reactor has delivered: what comes by the publisher's own subscription came last. */
  async function publish(publisher: RawClient, topic: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      publisher.publish(topic, `m${i}`, { qos: 1, packetId: i + 1 });
      await publisher.next('puback');
    }
  }

  for (const level of [4, 5] as const) {
    test(`level ${level}: eight members, each message once, each its turn`, async () => {
      const topic = `work/${level}`;
      const members = await Promise.all(Array.from({ length: 8 }, () => member(`$share/g${level}/work/+`, level)));
      const publisher = await broker.connect({ level });
      await publish(publisher, topic, 40);
      const got: string[][] = members.map(() => []);
      for (let done = 0; done < 40; ) {
        for (const [i, each] of members.entries()) {
          const texts = await payloads(each);
          got[i]!.push(...texts);
          done += texts.length;
        }
      }
      assert.equal(got.flat().sort(), Array.from({ length: 40 }, (_, i) => `m${i}`).sort());
      assert.equal(
        got.map((texts) => texts.length),
        [5, 5, 5, 5, 5, 5, 5, 5],
      );
      for (const each of [...members, publisher]) await each.disconnect();
    });
  }

  // Which members share a reactor is the kernel's to say, and only they stand in for each other.
  if (threads === 1) {
    for (const sessionExpiry of [0, 100]) {
      test(`who has as much in flight as it takes is passed over until it acknowledges, session expiry ${sessionExpiry}`, async () => {
        const filter = `$share/room/room/${sessionExpiry}`;
        const topic = `room/${sessionExpiry}`;
        const slow = await broker.connect({ receiveMaximum: 2, sessionExpiry });
        await slow.subscribe(filter, { qos: 1 });
        const fast = await broker.connect({ sessionExpiry });
        await fast.subscribe(filter, { qos: 1 });
        const publisher = await broker.connect();
        await publish(publisher, topic, 20);
        const taken: number[] = [];
        for (let i = 0; i < 2; i++) taken.push((await slow.nextPublish()).messageId!);
        for (let i = 0; i < 18; i++) fast.send(puback((await fast.nextPublish()).messageId!));
        assert.equal([await slow.settled(), await fast.settled()], [[], []], 'nothing waits behind the slow one');
        slow.send(...taken.map((id) => puback(id)));
        await slow.settled();
        await publish(publisher, topic, 2);
        await slow.nextPublish();
        await fast.nextPublish();
        for (const each of [slow, fast, publisher]) await each.disconnect();
      });
    }

    test('when nobody has room it waits for whose turn it is', async () => {
      const members = [await broker.connect({ receiveMaximum: 1 }), await broker.connect({ receiveMaximum: 1 })];
      for (const each of members) await each.subscribe('$share/full/full', { qos: 1 });
      const publisher = await broker.connect();
      await publish(publisher, 'full', 6);
      for (const each of members) {
        for (let i = 0; i < 3; i++) each.send(puback((await each.nextPublish()).messageId!));
        assert.equal(await each.settled(), []);
      }
      for (const each of [...members, publisher]) await each.disconnect();
    });
  }

  test('a group with a strategy of its own', async () => {
    const members = await Promise.all(Array.from({ length: 4 }, () => member('$share/one/sticky', 5)));
    const publisher = await broker.connect();
    await publish(publisher, 'sticky', 10);
    const got: number[] = members.map(() => 0);
    while (got.reduce((sum, n) => sum + n, 0) < 10) {
      for (const [i, each] of members.entries()) got[i]! += (await payloads(each)).length;
    }
    assert.equal([...got].sort(), [0, 0, 0, 10]);
    for (const each of [...members, publisher]) await each.disconnect();
  });

  test.run();
}
