// Enhanced authentication, section 4.12, by SCRAM-SHA-256.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { scramLine } from '../../src/nodes/auth/scram-file.ts';
import type { RawClient, Received } from '../e2e/raw-client.ts';
import { within } from '../e2e/until.ts';
import {
  answerOf,
  bytes,
  conformance,
  connect,
  entry,
  field,
  goodConnect,
  packet,
  publish,
  subscribe,
  texts,
} from './subject.ts'; // prettier-ignore

type Told = { readonly reasonCode?: number; readonly properties?: Record<string, unknown> };
const told = (packet: Received): Told => packet as unknown as Told;

// ── Enhanced authentication ────────────────────────────────────────────────────────────────────────────────────────────────────
{
  const folder = mkdtempSync(join(tmpdir(), 'sluice-scram-'));
  const file = join(folder, 'scram');
  writeFileSync(file, `# users\n${scramLine('anna', 'pencil')}\n${scramLine('bob', 'paper')}\n`);
  const { test, subject } = conformance('enhanced authentication', { 'auth.scram_file': file });
  test.after(() => rmSync(folder, { recursive: true }));

  const METHOD = 'SCRAM-SHA-256';
  const auth = (reason: number, data: string, method = METHOD): Buffer => {
    const properties = bytes(0x15, field(method), 0x16, field(data));
    return packet(0xf0, reason, properties.length, properties);
  };
  const connectWith = (clientId: string, data: string): Buffer =>
    connect(5, { properties: bytes(0x15, field(METHOD), 0x16, field(data)), payload: field(clientId) });
  const dataOf = (packet: Received): string => String(told(packet).properties!.authenticationData);

  /** The client's side of RFC 5802. */
  class Scram {
    readonly #password: string;
    readonly #bare: string;
    #verifier = '';

    constructor(user: string, password: string) {
      this.#password = password;
      this.#bare = `n=${user},r=nonce-of-the-client`;
    }

    get first(): string {
      return `n,,${this.#bare}`;
    }

    final(challenge: string): string {
      const [, nonce, salt, iterations] = /^r=(.+),s=(.+),i=(\d+)$/.exec(challenge)!;
      assert.ok(nonce!.startsWith('nonce-of-the-client') && nonce!.length > 30, 'the server adds a nonce of its own');
      const salted = pbkdf2Sync(this.#password, Buffer.from(salt!, 'base64'), Number(iterations), 32, 'sha256');
      const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
      const clientKey = hmac(salted, 'Client Key');
      const said = `${this.#bare},${challenge},c=biws,r=${nonce}`;
      const signature = hmac(createHash('sha256').update(clientKey).digest(), said);
      this.#verifier = `v=${hmac(hmac(salted, 'Server Key'), said).toString('base64')}`;
      return `c=biws,r=${nonce},p=${Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!)).toString('base64')}`;
    }

    get verifier(): string {
      return this.#verifier;
    }
  }

  async function challenged(user: string, password: string): Promise<{ client: RawClient; scram: Scram; challenge: Received }> {
    const client = await subject.broker.open();
    client.speak(5);
    const scram = new Scram(user, password);
    client.send(connectWith(subject.name('scram'), scram.first));
    return { client, scram, challenge: await client.next('auth') };
  }

  async function admitted(): Promise<RawClient> {
    const { client, scram, challenge } = await challenged('anna', 'pencil');
    client.send(auth(0x18, scram.final(dataOf(challenge))));
    const connack = await client.next('connack');
    assert.is(answerOf(connack)[0], 0);
    assert.is(dataOf(connack), scram.verifier, 'the server knows the password too');
    assert.is(told(connack).properties!.authenticationMethod, METHOD);
    return client;
  }

  test('a client that knows its password [MQTT-4.12.0-2] [MQTT-4.12.0-3] [MQTT-4.12.0-5] [MQTT-3.15.2-1] [MQTT-3.15.2-2] [MQTT-3.15.2-3]', async () => {
    const { challenge } = await challenged('anna', 'pencil');
    assert.is(told(challenge).reasonCode, 0x18);
    assert.equal(Object.keys(told(challenge).properties!).sort(), ['authenticationData', 'authenticationMethod']);
    const client = await admitted();
    client.publish('t', 'x', { qos: 1, packetId: 1 });
    await client.next('puback');
  });

  test('one that does not, and one that nobody knows, look the same [MQTT-4.12.0-4] [MQTT-3.1.4-2]', async () => {
    for (const [user, password] of [
      ['anna', 'wrong'],
      ['nobody', 'pencil'],
      ['bob', 'pencil'],
    ] as const) {
      const { client, scram, challenge } = await challenged(user, password);
      client.send(auth(0x18, scram.final(dataOf(challenge))), publish(5, 't'));
      assert.equal(answerOf(await client.next('connack')), [0x87, false]);
      await within('the end of the connection', client.closed);
    }
    const salt = async (): Promise<string> => /,s=([^,]+),/.exec(dataOf((await challenged('nobody', 'x')).challenge))![1]!;
    assert.is(await salt(), await salt(), 'the salt of nobody does not give it away');
  });

  test('nothing but AUTH and DISCONNECT before CONNACK, and by the rules [MQTT-3.1.2-30] [MQTT-3.2.0-1] [MQTT-3.15.2-1]', async () => {
    const wrong: Uint8Array[] = [
      publish(5, 't'),
      packet(0xc0),
      subscribe(5, 1, entry('t')),
      goodConnect(5),
      auth(0x19, ''),
      auth(0x18, 'x', 'OTHER'),
      auth(0x00, ''),
      auth(0x18, 'nonsense'),
    ]; // prettier-ignore
    for (const nonsense of wrong) {
      const { client } = await challenged('anna', 'pencil');
      client.send(nonsense);
      assert.equal(answerOf(await client.next('connack')), [0x82, false]);
      await within('the end of the connection', client.closed);
    }
    const { client } = await challenged('anna', 'pencil');
    await client.disconnect();
  });

  test('without showing who it is nobody comes in [MQTT-3.1.4-2], 3.1.1 [MQTT-3.2.2-5]', async () => {
    await subject.refuses(5, goodConnect(5, { clientId: 'c' }), 0x87);
    await subject.refuses(4, goodConnect(4, { clientId: 'c' }), 5);
  });

  test('authenticating anew, while messages flow [MQTT-4.12.1-1] [MQTT-4.12.1-2]', async () => {
    const client = await admitted();
    await client.subscribe('t');
    const again = new Scram('anna', 'pencil');
    client.send(auth(0x19, again.first), publish(5, 't', 'between'));
    const challenge = await client.next('auth');
    assert.is(told(challenge).reasonCode, 0x18);
    assert.equal(texts(await client.settled()), ['between']);
    client.send(auth(0x18, again.final(dataOf(challenge))));
    const done = await client.next('auth');
    assert.equal([told(done).reasonCode ?? 0, dataOf(done)], [0, again.verifier]);
    for (const [user, password] of [
      ['anna', 'wrong'],
      ['bob', 'paper'],
    ] as const) {
      const other = await admitted();
      const scram = new Scram(user, password);
      other.send(auth(0x19, scram.first));
      other.send(auth(0x18, scram.final(dataOf(await other.next('auth')))));
      assert.is(await other.reasonOfEnd(), 0x87, `a connection stays with its user, not ${user}`);
    }
    const byOther = await admitted();
    byOther.send(auth(0x19, '', 'OTHER'));
    assert.is(await byOther.reasonOfEnd(), 0x82);
  });

  test('the file is read again while the node runs: who is new gets in, who is gone does not, and a bad file changes nothing', async () => {
    const login = async (user: string, password: string): Promise<number> => {
      const { client, scram, challenge } = await challenged(user, password);
      client.send(auth(0x18, scram.final(dataOf(challenge))));
      return answerOf(await client.next('connack'))[0];
    };
    const reload = async (): Promise<number> =>
      (await fetch(`${subject.broker.http}/api/v1/config/reload`, { method: 'POST' })).status;
    assert.is(await login('carla', 'ink'), 0x87);
    writeFileSync(file, `${scramLine('anna', 'pencil')}\n${scramLine('carla', 'ink')}\n`);
    assert.is(await reload(), 200);
    assert.equal([await login('carla', 'ink'), await login('anna', 'pencil'), await login('bob', 'paper')], [0, 0, 0x87]);
    writeFileSync(file, 'nonsense\n');
    assert.is(await reload(), 400);
    assert.is(await login('carla', 'ink'), 0);
  });

  test.run();
}
