import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeConnect } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import { type ConnectSettings, puback, pubcomp, pubrec, pubrel, type RawClient, type ReceivedPublish } from './raw-client.ts';
import { until } from './until.ts';

const LONG: Partial<ConnectSettings> = { sessionExpiry: 600, cleanStart: false };

for (const threads of [1, 2]) {
  const test = suite(`sessions, ${threads} reactors`);
  let broker: Broker;
  let publisher: RawClient;
  test.before(async () => {
    broker = await Broker.start({ 'node.threads': threads });
    publisher = await broker.connect({ clientId: 'publisher' });
  });
  test.after(async () => {
    await broker.assertSound();
    publisher.destroy();
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  });

  /** Publishes at QoS 1 and waits until the broker has taken it. */
  async function publish(topic: string, payload: string, qos: 1 | 2 = 1): Promise<void> {
    publisher.publish(topic, payload, { qos, packetId: 77 });
    if (qos === 1) await publisher.next('puback');
    else {
      await publisher.next('pubrec');
      publisher.send(pubrel(77));
      await publisher.next('pubcomp');
    }
  }

  async function lose(client: RawClient): Promise<void> {
    client.destroy();
    await broker.untilOffline(client.clientId);
  }

  for (const level of [4, 5] as const) {
    test(`level ${level}: a persistent session keeps subscriptions and QoS 1 and 2 messages for its client, in order`, async () => {
      const settings = { ...LONG, level, clientId: `offline-${level}` };
      const first = await broker.connect(settings);
      assert.is(first.connack.sessionPresent, false);
      await first.subscribe(`queue/${level}`, { qos: 2 });
      await lose(first);
      for (let i = 0; i < 20; i++) await publish(`queue/${level}`, `m${i}`, i % 2 === 0 ? 1 : 2);
      const second = await broker.connect(settings);
      assert.is(second.connack.sessionPresent, true);
      for (let i = 0; i < 20; i++) {
        const { payload, qos, dup } = await second.nextPublish();
        assert.equal([String(payload), qos, dup], [`m${i}`, i % 2 === 0 ? 1 : 2, false]);
      }
      await second.disconnect();
      const third = await broker.connect({ ...settings, cleanStart: true });
      assert.is(third.connack.sessionPresent, false);
      await publish(`queue/${level}`, 'nobody');
      assert.equal(await third.settled(), [], 'a clean start has no subscription');
      await third.disconnect();
    });

    test(`level ${level}: a clean session ends with its connection`, async () => {
      const settings = { level, clientId: `clean-${level}`, cleanStart: true };
      const first = await broker.connect(settings);
      await first.subscribe('gone', { qos: 1 });
      await first.disconnect();
      await broker.untilGone(settings.clientId);
      const second = await broker.connect({ ...settings, cleanStart: false });
      assert.is(second.connack.sessionPresent, false);
      await second.disconnect();
    });
  }

  test('5.0: DISCONNECT can shorten the session, but not make one', async () => {
    const client = await broker.connect({ ...LONG, clientId: 'shortened' });
    await client.disconnect(Uint8Array.of(0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0));
    await broker.untilGone('shortened');
    const other = await broker.connect({ clientId: 'lengthened' });
    other.send(Uint8Array.of(0xe0, 7, 0, 5, 0x11, 0, 0, 0, 9));
    assert.is(await other.reasonOfEnd(), 0x82);
  });

  test('a session that expires takes its subscriptions along', async () => {
    const client = await broker.connect({ clientId: 'expires', cleanStart: false, sessionExpiry: 1 });
    await client.subscribe('expires', { qos: 1 });
    await lose(client);
    await broker.untilGone('expires');
    const again = await broker.connect({ clientId: 'expires', cleanStart: false });
    assert.is(again.connack.sessionPresent, false);
    again.destroy();
  });

  test('QoS 1: what was not acknowledged comes again first, with DUP, its packet id and in order', async () => {
    const settings = { ...LONG, clientId: 'redelivered' };
    const first = await broker.connect(settings);
    await first.subscribe('again', { qos: 1 });
    for (let i = 0; i < 5; i++) await publish('again', `m${i}`);
    const ids: number[] = [];
    for (let i = 0; i < 5; i++) ids.push((await first.nextPublish()).messageId!);
    first.send(puback(ids[1]!), puback(ids[3]!));
    await first.settled();
    await lose(first);
    await publish('again', 'later');
    const second = await broker.connect(settings);
    for (const i of [0, 2, 4]) {
      const { payload, dup, messageId } = await second.nextPublish();
      assert.equal([String(payload), dup, messageId], [`m${i}`, true, ids[i]]);
    }
    const later = await second.nextPublish();
    assert.equal([String(later.payload), later.dup], ['later', false]);
    assert.not(ids.filter((_, i) => i % 2 === 0).includes(later.messageId!), 'an id that is out is not given away');
    await second.disconnect();
  });

  test('in flight once more, messages respect the receive maximum of the new connection', async () => {
    const settings = { ...LONG, clientId: 'narrowed' };
    const first = await broker.connect(settings);
    await first.subscribe('narrow', { qos: 2 });
    for (let i = 0; i < 6; i++) await publish('narrow', `m${i}`, i % 2 === 0 ? 1 : 2);
    for (let i = 0; i < 6; i++) await first.nextPublish();
    await lose(first);
    await publish('narrow', 'm6');
    const second = await broker.connect({ ...settings, receiveMaximum: 2 });
    const got: string[] = [];
    const out = new Set<number>();
    const packets = [await second.next(), await second.next(), ...(await second.settled())];
    assert.is(packets.length, 2);
    while (got.length < 7 || out.size > 0) {
      const packet = packets.shift() ?? (await second.next());
      const id = packet.messageId!;
      if (packet.cmd === 'pubrel') {
        second.send(pubcomp(id));
        out.delete(id);
        continue;
      }
      assert.is(packet.cmd, 'publish');
      const { payload, dup, qos } = packet as ReceivedPublish;
      got.push(`${payload}${dup ? ' again' : ''}`);
      assert.ok(out.add(id).size <= 2);
      packets.push(...(await second.settled()));
      if (qos === 2) second.send(pubrec(id));
      else {
        second.send(puback(id));
        out.delete(id);
      }
    }
    assert.equal(got, ['m0 again', 'm1 again', 'm2 again', 'm3 again', 'm4 again', 'm5 again', 'm6']);
    await second.disconnect();
  });

  test('QoS 2 to the client: exactly once over a reconnect at every point of the exchange', async () => {
    const settings = { ...LONG, clientId: 'exactly-out' };
    let client = await broker.connect(settings);
    await client.subscribe('once/out', { qos: 2 });
    const reconnect = async (): Promise<void> => {
      await lose(client);
      client = await broker.connect(settings);
      assert.is(client.connack.sessionPresent, true);
    };
    await publish('once/out', 'one', 2);
    const { messageId } = await client.nextPublish();
    await reconnect();
    const again = await client.nextPublish();
    assert.equal([again.messageId, again.dup, again.qos, String(again.payload)], [messageId, true, 2, 'one']);
    client.send(pubrec(messageId!));
    assert.is((await client.next('pubrel')).messageId, messageId);
    await reconnect();
    assert.is((await client.next('pubrel')).messageId, messageId);
    await reconnect();
    client.send(pubrec(messageId!)); // late: the answer is still PUBREL
    assert.is((await client.next('pubrel')).messageId, messageId);
    assert.is((await client.next('pubrel')).messageId, messageId);
    client.send(pubcomp(messageId!));
    await client.settled();
    await reconnect();
    await publish('once/out', 'two', 2);
    const next = await client.nextPublish();
    assert.equal([String(next.payload), next.dup], ['two', false]);
    await client.disconnect();
  });

  test('QoS 2 from the client: exactly once over a reconnect at every point of the exchange', async () => {
    const settings = { ...LONG, clientId: 'exactly-in' };
    const receiver = await broker.connect();
    await receiver.subscribe('once/in', { qos: 0 });
    let client = await broker.connect(settings);
    const reconnect = async (): Promise<void> => {
      await lose(client);
      client = await broker.connect(settings);
    };
    client.publish('once/in', 'one', { qos: 2, packetId: 9 });
    await client.next('pubrec');
    await reconnect();
    client.publish('once/in', 'one', { qos: 2, packetId: 9, dup: true });
    await client.next('pubrec');
    client.publish('once/in', 'one', { qos: 2, packetId: 9, dup: true });
    await client.next('pubrec');
    await reconnect();
    client.send(pubrel(9));
    assert.is(((await client.next('pubcomp')) as { reasonCode?: number }).reasonCode ?? 0, 0);
    await reconnect();
    client.send(pubrel(9)); // the PUBCOMP may have been lost
    assert.is(((await client.next('pubcomp')) as { reasonCode?: number }).reasonCode, 0x92);
    client.publish('once/in', 'two', { qos: 2, packetId: 9 }); // the id is free again
    await client.next('pubrec');
    assert.is(await receiver.nextPayload(), 'one');
    assert.is(await receiver.nextPayload(), 'two');
    assert.equal(await receiver.settled(), []);
    await client.disconnect();
    receiver.destroy();
  });

  test('keep-alive: a silent client is told 0x8D and gone, one that pings stays', async () => {
    const before = await broker.disconnects('keep_alive_timeout');
    const silent = await broker.connect({ keepAliveSeconds: 1 });
    const lively = await broker.connect({ keepAliveSeconds: 1 });
    let over = false;
    const end = silent.reasonOfEnd().finally(() => {
      over = true;
    });
    await until('the silent client is shut out', async () => {
      await lively.settled();
      return over;
    });
    assert.is(await end, 0x8d);
    await lively.settled();
    assert.is(await broker.disconnects('keep_alive_timeout'), before + 1);
    await lively.disconnect();
  });

  test('takeover in a storm: one client id, many connections at once; one is left and works', async () => {
    const clients = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const client = await broker.open();
        client.speak(5);
        client.clientId = 'stormy';
        return client;
      }),
    );
    const connect = encodeConnect({ level: 5, clientId: 'stormy', cleanStart: false, keepAliveSeconds: 0, sessionExpiry: 60 });
    for (const client of clients) client.send(connect);
    await until('all but one are closed', () => clients.filter(({ isClosed }) => isClosed).length === 29);
    const left = clients.find(({ isClosed }) => !isClosed)!;
    await left.next('connack');
    await left.subscribe('stormy', { qos: 1 });
    await publish('stormy', 'here');
    assert.is(await left.nextPayload(), 'here');
    for (const client of clients) {
      if (client === left) continue;
      const last = client.takeAll().at(-1) as { cmd: string; reasonCode: number };
      assert.equal([last.cmd, last.reasonCode], ['disconnect', 0x8e]);
    }
    assert.is((await broker.sessions()).filter(({ detail }) => detail.clientId === 'stormy').length, 1);
    await left.disconnect(Uint8Array.of(0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0));
  });

  const places =
    threads === 1
      ? [[1, 1]]
      : [
          [1, 1],
          [1, 2],
          [2, 1],
        ]; // prettier-ignore
  for (const [from, to] of places as [number, number][]) {
    for (const level of [4, 5] as const) {
      test(`takeover from reactor ${from} to ${to}, level ${level}: 0x8E for the old one, the state follows`, async () => {
        const settings = { ...LONG, level, clientId: `taken-${from}-${to}-${level}` };
        const topic = `taken/${from}/${to}/${level}`;
        const first = await broker.connectOn(from, settings);
        await first.subscribe(`${topic}/+`, { qos: 2 });
        await publish(`${topic}/a`, 'in flight 1');
        await publish(`${topic}/b`, 'in flight 2', 2);
        const one = await first.nextPublish();
        const two = await first.nextPublish();
        first.publish(`${topic}/c`, 'half', { qos: 2, packetId: 3 });
        const rest = [await first.next(), await first.next()];
        assert.equal(rest.map(({ cmd }) => cmd).sort(), ['publish', 'pubrec']);
        const half = rest.find(({ cmd }) => cmd === 'publish')!;
        first.send(pubrec(half.messageId!));
        await first.next('pubrel');

        const second = await broker.connectOn(to, settings);
        assert.is(second.connack.sessionPresent, true);
        if (level === 5) assert.is(await first.reasonOfEnd(), 0x8e);
        else await first.closed;
        const again = [await second.nextPublish(), await second.nextPublish()];
        assert.equal(
          again.map(({ payload, dup, qos, messageId }) => [String(payload), dup, qos, messageId]),
          [
            ['in flight 1', true, 1, one.messageId],
            ['in flight 2', true, 2, two.messageId],
          ],
        );
        assert.is((await second.next('pubrel')).messageId, half.messageId);
        second.publish(`${topic}/c`, 'half', { qos: 2, packetId: 3, dup: true });
        await second.next('pubrec');
        await publish(`${topic}/d`, 'live');
        assert.is(await second.nextPayload(), 'live', 'the duplicate was not routed, the subscription lives');
        await second.disconnect();
      });
    }

    test(`takeover from reactor ${from} to ${to} with a clean start leaves nothing`, async () => {
      const clientId = `discarded-${from}-${to}`;
      const first = await broker.connectOn(from, { ...LONG, clientId });
      await first.subscribe(clientId, { qos: 1 });
      const second = await broker.connectOn(to, { clientId });
      assert.is(second.connack.sessionPresent, false);
      assert.is(await first.reasonOfEnd(), 0x8e);
      await publish(clientId, 'nobody');
      assert.equal(await second.settled(), []);
      await second.disconnect();
    });

    test(`an offline session follows its client from reactor ${from} to ${to}`, async () => {
      const settings = { ...LONG, clientId: `followed-${from}-${to}` };
      const first = await broker.connectOn(from, settings);
      await first.subscribe(settings.clientId, { qos: 1 });
      await lose(first);
      for (let i = 0; i < 50; i++) await publish(settings.clientId, `m${i}`);
      const second = await broker.connectOn(to, settings);
      assert.is(second.connack.sessionPresent, true);
      for (let i = 0; i < 50; i++) assert.is(await second.nextPayload(), `m${i}`);
      await second.disconnect();
    });
  }

  test.run();
}
