// What clients may do, through a whole node: rules in files, in 3.1.1 and 5.0, changed while it runs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import { Broker } from './broker.ts';
import type { ConnectSettings, RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const ACL = `
[[rule]]
permission = "deny"
action = "all"
topics = ["secret/#"]
users = ["otto"]

[[rule]]
permission = "allow"
action = "publish"
topics = ["devices/%c/#"]

[[rule]]
permission = "allow"
action = "subscribe"
topics = ["devices/#", "secret/#"]

[[rule]]
permission = "allow"
action = "all"
topics = ["free/#"]
qos = [0]
`;
const NOT_AUTHORIZED = 0x87;
const NO_MATCHING_SUBSCRIBERS = 0x10;

for (const threads of [1, 2]) {
  const test = suite(`access rules, ${threads} reactors`);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-access-'));
  let broker: Broker;
  const start = (more: Record<string, string | number> = {}): Promise<Broker> =>
    Broker.start({
      'node.threads': threads,
      'auth.users_file': join(folder, 'users'),
      'acl.file': join(folder, 'acl.toml'),
      'acl.no_match': 'deny',
      ...more,
    });
  test.before(async () => {
    writeFileSync(join(folder, 'users'), ['anna', 'otto'].map((user) => `${user}:${hashPassword('right', 10)}\n`).join(''));
    writeFileSync(join(folder, 'acl.toml'), ACL);
    broker = await start();
  });
  test.after(async () => {
    await broker.assertSound();
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
    rmSync(folder, { recursive: true });
  });

  const login = (username: string, more: Partial<ConnectSettings> = {}, at = broker): Promise<RawClient> =>
    at.connect({ username, password: Buffer.from('right'), ...more });
  /** The reason code of a PUBACK; that nobody listens is no refusal. */
  const pubackReason = async (client: RawClient): Promise<number> => {
    const { reasonCode = 0 } = (await client.next('puback')) as { reasonCode?: number };
    return reasonCode === NO_MATCHING_SUBSCRIBERS ? 0 : reasonCode;
  };

  for (const level of [4, 5] as const) {
    test(`level ${level}: a message gets through when it is allowed, and its publisher is told as far as can be`, async () => {
      const watcher = await login('anna', { level });
      assert.equal(await watcher.subscribe('devices/#'), [0]);
      const device = await login('anna', { level, clientId: `d${level}` });
      for (const [topic, reason] of [
        [`devices/d${level}/up`, 0],
        ['devices/other/up', NOT_AUTHORIZED],
        [`devices/d${level}/up`, 0],
      ] as const) {
        device.send(device.encodePublish(topic, topic, { qos: 1, packetId: 1 }));
        assert.is(await pubackReason(device), level === 5 ? reason : 0, topic);
      }
      assert.is(await watcher.nextPayload(), `devices/d${level}/up`);
      assert.is(await watcher.nextPayload(), `devices/d${level}/up`);
      assert.equal(await watcher.settled(), []);
      watcher.destroy();
      device.destroy();
    });

    test(`level ${level}: a filter is granted or refused by itself`, async () => {
      const refused = level === 5 ? NOT_AUTHORIZED : 0x80;
      const otto = await login('otto', { level });
      assert.equal(await otto.subscribe('devices/+/up'), [0]);
      assert.equal(await otto.subscribe('#'), [refused]);
      assert.equal(await otto.subscribe('secret/x'), [refused]);
      assert.equal(await otto.subscribe('free/#'), [0]);
      const anna = await login('anna', { level });
      assert.equal(await anna.subscribe('secret/x'), [0]);
      otto.destroy();
      anna.destroy();
    });

    test(`level ${level}: a will that its client may not publish is refused with the client`, async () => {
      const will = { topic: 'secret/will', payload: Buffer.from('x'), qos: 0 as const, retain: false };
      const refused = await login('otto', { level, will });
      assert.is(level === 5 ? refused.connack.reasonCode : refused.connack.returnCode, level === 5 ? NOT_AUTHORIZED : 5);
      await within('the end of the connection', refused.closed);
      const own = { ...will, topic: 'devices/w/gone' };
      (await login('otto', { level, clientId: 'w', will: own })).destroy();
    });
  }

  test('QoS is part of a rule', async () => {
    const watcher = await login('anna');
    assert.equal(await watcher.subscribe('free/#'), [0]);
    const device = await login('otto');
    device.send(
      device.encodePublish('free/a', 'zero'),
      device.encodePublish('free/a', 'one', { qos: 1, packetId: 1 }),
      device.encodePublish('free/a', 'zero again'),
    );
    assert.is(await pubackReason(device), NOT_AUTHORIZED);
    assert.is(await watcher.nextPayload(), 'zero');
    assert.is(await watcher.nextPayload(), 'zero again');
    watcher.destroy();
    device.destroy();
  });

  test('changed rules are in force for who is connected; a file that has become bad changes nothing', async () => {
    const watcher = await login('anna');
    assert.equal(await watcher.subscribe('devices/#'), [0]);
    const device = await login('anna', { clientId: 'changing' });
    const publishes = async (): Promise<number> => {
      device.send(device.encodePublish('devices/changing/up', 'x', { qos: 1, packetId: 1 }));
      return pubackReason(device);
    };
    assert.is(await publishes(), 0);
    writeFileSync(join(folder, 'acl.toml'), ACL.replace('devices/%c/#', 'other/#'));
    broker.node.kill('SIGHUP');
    await until('the new rules are in force', async () => (await publishes()) === NOT_AUTHORIZED);
    writeFileSync(join(folder, 'acl.toml'), 'rules = 1');
    broker.node.kill('SIGHUP');
    await broker.node.logged('a file of users or rules is bad, what was before stays');
    assert.is(await publishes(), NOT_AUTHORIZED);
    writeFileSync(join(folder, 'acl.toml'), ACL);
    broker.node.kill('SIGHUP');
    await until('the old rules are back', async () => (await publishes()) === 0);
    watcher.destroy();
    device.destroy();
  });

  test('denials are counted', async () => {
    const denials = (action: string): Promise<number> =>
      broker.metric(`sluice_mqtt_authorization_denials_total{action="${action}"}`);
    const [published, subscribed] = [await denials('publish'), await denials('subscribe')];
    const otto = await login('otto');
    otto.send(otto.encodePublish('secret/x', 'x', { qos: 1, packetId: 1 }));
    await otto.next('puback');
    await otto.subscribe('secret/x');
    assert.is(await denials('publish'), published + 1);
    assert.is(await denials('subscribe'), subscribed + 1);
    otto.destroy();
  });

  // Each of these starts a node of its own.
  if (threads === 2) {
    test('a client that publishes what it may not can be disconnected for it', async () => {
      const strict = await start({ 'acl.deny_action': 'disconnect' });
      for (const level of [4, 5] as const) {
        const otto = await login('otto', { level }, strict);
        otto.send(otto.encodePublish('secret/x', 'x'));
        if (level === 5) assert.is(await otto.reasonOfEnd(), NOT_AUTHORIZED);
        await within('the end of the connection', otto.closed);
      }
      assert.is(await strict.disconnects('not_authorized'), 2);
      await strict.assertSound();
      assert.is(await strict.stop(), 0);
    });

    test('deliveries can be checked one by one, retained messages too', async () => {
      const checking = await start({ 'acl.check_deliveries': 'true' });
      const anna = await login('anna', {}, checking);
      const retained = await login('anna', { clientId: 'r' }, checking);
      retained.send(retained.encodePublish('devices/r/kept', 'kept', { qos: 1, packetId: 1, retain: true }));
      await retained.next('puback');
      const otto = await login('otto', {}, checking);
      const nobody = await login('otto', { clientId: 'n' }, checking);
      assert.equal(await anna.subscribe('devices/#'), [0]);
      assert.equal(await otto.subscribe('#'), [0], 'a part of it may come');
      assert.is(await otto.nextPayload(), 'kept');
      assert.is(await anna.nextPayload(), 'kept');
      assert.equal(await nobody.subscribe('nothing/of/this'), [NOT_AUTHORIZED]);
      writeFileSync(join(folder, 'acl.toml'), `${ACL}\n[[rule]]\npermission = "allow"\naction = "publish"\n`);
      checking.node.kill('SIGHUP');
      await until('everything may be published', async () => {
        retained.send(retained.encodePublish('secret/x', 'hidden', { qos: 1, packetId: 2 }));
        return (await pubackReason(retained)) !== NOT_AUTHORIZED;
      });
      retained.send(retained.encodePublish('devices/r/up', 'seen', { qos: 1, packetId: 3 }));
      assert.is(await otto.nextPayload(), 'seen');
      assert.equal(await otto.settled(), []);
      writeFileSync(join(folder, 'acl.toml'), ACL);
      for (const client of [anna, otto, retained, nobody]) client.destroy();
      await checking.assertSound();
      assert.is(await checking.stop(), 0);
    });
  }

  test.run();
}
