import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../src/nodes/auth/password-hash.ts';
import { type ConnectOptions, encodeConnect } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import { within } from './until.ts';

for (const threads of [1, 2]) {
  const test = suite(`user names and passwords, ${threads} reactors`);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-users-'));
  let broker: Broker;
  test.before(async () => {
    writeFileSync(join(folder, 'users'), `anna:${hashPassword('right', 10)}\notto:${hashPassword('', 10)}\n`);
    broker = await Broker.start({ 'node.threads': threads, 'auth.users_file': join(folder, 'users') });
  });
  test.after(async () => {
    rmSync(folder, { recursive: true });
    await broker.assertSound();
    assert.is(await broker.stop(), 0, broker.node.stderr.join('\n'));
  });

  /** The answer to a CONNECT: 0, or the code of the refusal, after which the connection has to close. */
  async function answer(level: 4 | 5, username?: string, password?: string, more: Partial<ConnectOptions> = {}): Promise<number> {
    const client = await broker.open();
    client.speak(level);
    const bytes = password === undefined ? undefined : Buffer.from(password);
    client.send(
      encodeConnect({ level, clientId: 'someone', cleanStart: true, keepAliveSeconds: 0, username, password: bytes, ...more }),
    );
    const connack = (await client.next('connack')) as { returnCode?: number; reasonCode?: number };
    const code = (level === 5 ? connack.reasonCode : connack.returnCode)!;
    if (code === 0) client.destroy();
    else await within('the end of the connection', client.closed);
    return code;
  }

  for (const level of [4, 5] as const) {
    const refused = level === 5 ? 0x86 : 4;
    test(`level ${level}: only who knows the password gets in`, async () => {
      const before = await broker.disconnects('connect_refused');
      assert.is(await answer(level, 'anna', 'right'), 0);
      assert.is(await answer(level, 'anna', 'wrong'), refused);
      assert.is(await answer(level, 'anna', 'right'), 0, 'also after a failure');
      assert.is(await answer(level, 'anna', 'righ'), refused);
      assert.is(await answer(level, 'anna'), refused, 'no password');
      assert.is(await answer(level, 'nobody', 'right'), refused);
      assert.is(await answer(level), refused, 'no name');
      assert.is(await answer(level, 'otto', ''), 0, 'an empty password is one');
      assert.is(await broker.disconnects('connect_refused'), before + 5);
    });
  }

  test('one who is refused takes no session over and leaves no will', async () => {
    const owner = await broker.connect({ clientId: 'someone', username: 'anna', password: Buffer.from('right') });
    await owner.subscribe('#');
    const will = { topic: 'will', payload: Buffer.from('x'), qos: 0 as const, retain: false };
    assert.is(await answer(5, 'anna', 'wrong', { will }), 0x86);
    assert.equal(await owner.settled(), []);
    owner.destroy();
  });

  test('what is sent behind CONNECT while the password is checked is served after CONNACK, or never', async () => {
    const watcher = await broker.connect({ username: 'anna', password: Buffer.from('right') });
    await watcher.subscribe('behind/+');
    for (const password of ['wrong', 'right']) {
      const client = await broker.open();
      client.speak(5);
      client.send(
        encodeConnect({
          level: 5,
          clientId: password,
          cleanStart: true,
          keepAliveSeconds: 0,
          username: 'anna',
          password: Buffer.from(password),
        }),
        client.encodePublish(`behind/${password}`, password),
      );
      await client.next('connack');
      if (password === 'wrong') await client.closed;
      else client.destroy();
    }
    assert.is(await watcher.nextPayload(), 'right');
    assert.equal(await watcher.settled(), []);
    watcher.destroy();
  });

  test('a login that was right a moment before is recognised on the reactor, until the users are read again', async () => {
    const recognised = 'sluice_auth_recognised_total';
    const asked = 'sluice_auth_checks_total{link="file",outcome="allow"}';
    const [seen, allowed] = [await broker.metric(recognised), await broker.metric(asked)];
    for (let i = 0; i < 8; i++) assert.is(await answer(5, 'anna', 'right'), 0);
    await broker.untilMetric(recognised, (value) => value >= seen + 8 - threads);
    assert.ok((await broker.metric(asked)) <= allowed + threads, 'each reactor asks once at most');
    assert.is(await answer(5, 'anna', 'wrong'), 0x86);
    assert.is(await answer(5, 'otto', 'right'), 0x86);
    writeFileSync(join(folder, 'users'), `anna:${hashPassword('new', 10)}\notto:${hashPassword('', 10)}\n`);
    const reload = (): Promise<Response> => fetch(`${broker.http}/api/v1/config/reload`, { method: 'POST' });
    assert.is((await reload()).status, 200);
    for (let i = 0; i < 4; i++) assert.is(await answer(5, 'anna', 'right'), 0x86, 'at once, on every reactor');
    assert.is(await answer(5, 'anna', 'new'), 0);
    writeFileSync(join(folder, 'users'), `anna:${hashPassword('right', 10)}\notto:${hashPassword('', 10)}\n`);
    assert.is((await reload()).status, 200);
    for (let i = 0; i < 4; i++) assert.is(await answer(5, 'anna', 'new'), 0x86);
    assert.is(await answer(5, 'anna', 'right'), 0);
  });

  test('many at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        answer(5, 'anna', i % 2 === 0 ? 'right' : `wrong ${i}`, { clientId: `one-of-many-${i}` }),
      ),
    );
    assert.equal(
      answers,
      Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 0 : 0x86)),
    );
  });

  test.run();
}
