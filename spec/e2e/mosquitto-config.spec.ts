// The same mosquitto.conf run by mosquitto and by a node: who may come in, publish and receive is the same on both. Without the programs of mosquitto there is
// nothing to compare with.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort, startProcess, untilAccepting } from '../../bench/targets/broker-process.ts';
import { findProgram } from '../../bench/targets/find-program.ts';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { Authority, hasOpenssl } from './certificates.ts';
import { isInstalled, Tool } from './mosquitto-tool.ts';
import { RawClient } from './raw-client.ts';
import { until, within } from './until.ts';

const MOSQUITTO = findProgram('mosquitto');
const missing = [
  ...(MOSQUITTO === undefined || findProgram('mosquitto_passwd') === undefined ? ['mosquitto'] : []),
  ...(isInstalled('mosquitto_pub') ? [] : ['mosquitto-clients']),
  ...(hasOpenssl() ? [] : ['openssl']),
];

const ACL = `# of the whole broker
topic read public/#
topic deny public/secret
topic readwrite both/words with blanks/+

user anna
topic anna/#
topic read shared/+/down
topic write shared/+/up
topic deny anna/private/#
topic readwrite site/7/anna/#

user root
topic readwrite #
user otto
topic readwrite #
topic deny otto/no

pattern write devices/%c/up
pattern read devices/%u/down
pattern readwrite mixed/%u/%c/#
pattern deny mixed/%u/%c/not
`;
const TOPICS = [
  ...[
    'public/a',
    'public',
    'public/secret',
    'both/words with blanks/x',
    'anna',
    'anna/x',
    'anna/private/y',
    'shared/1/down',
    'shared/1/up',
  ],
  ...[
    'shared/1/2/up',
    'devices/d7/up',
    'devices/d8/up',
    'devices/anna/down',
    'devices/otto/down',
    'mixed/anna/d7/x',
    'mixed/anna/d7/not',
  ],
  ...[
    'mixed/anna/d8/x',
    'otto/no',
    'otto/yes',
    'site/7/anna/x',
    'other',
    'devices/+x/up'.replace('+', ''),
    'guests/x',
    'plant/device-7/x',
  ],
];
const NOT_AUTHORIZED = 0x87;
const KEY = '00112233445566778899aabbccddeeff';

interface Login {
  readonly username?: string;
  readonly password?: Buffer;
}
const LOGINS: Readonly<Record<string, Login>> = {
  nobody: {},
  anna: { username: 'anna', password: Buffer.from('right') },
  'anna, wrong': { username: 'anna', password: Buffer.from('wrong') },
  'anna, without': { username: 'anna' },
  otto: { username: 'otto', password: Buffer.from('his own') },
  stranger: { username: 'stranger', password: Buffer.from('right') },
};
const ROOT: Login = { username: 'root', password: Buffer.from('root') };

type Connect = (clientId: string, login: Login) => Promise<RawClient>;

function overTcp(port: number): Connect {
  return (clientId, login) => RawClient.connect(port, { clientId, ...login });
}

/** Publishes to every topic at once, with its name as payload (mosquitto 2.0 leaves the mount point on what it delivers, against its manual); returns the topics that were not refused. */
async function publishAll(client: RawClient, prefix: string): Promise<string[]> {
  client.send(...TOPICS.map((topic, i) => client.encodePublish(prefix + topic, topic, { qos: 1, packetId: i + 1 })));
  const accepted: string[] = [];
  for (const topic of TOPICS) {
    const { reasonCode = 0 } = (await client.next('puback')) as { reasonCode?: number };
    if (reasonCode !== NOT_AUTHORIZED) accepted.push(topic);
  }
  return accepted;
}

/** What a listener lets its clients do, in words. What they may receive, `publisher` sends, who may do everything. */
async function observe(connect: Connect, publisher: RawClient, prefix = ''): Promise<string[]> {
  const seen: string[] = [];
  for (const [who, login] of Object.entries(LOGINS)) {
    for (const clientId of who === 'anna' ? ['d7', 'd9'] : ['d7']) {
      const client = await connect(clientId, login).catch(() => undefined);
      const note = (what: string): void => void seen.push(`${who} (${clientId}) ${what}`);
      if (client === undefined || client.connack.reasonCode !== 0) {
        note('stays outside');
        continue;
      }
      for (const topic of await publishAll(client, '')) note(`publishes ${topic}`);
      note(`subscribes with ${(await client.subscribe('#')).join()}`);
      await publishAll(publisher, prefix);
      for (const packet of await client.settled()) if (packet.cmd === 'publish') note(`receives ${packet.payload}`);
      client.destroy();
    }
  }
  return seen;
}

/** What is in one list and not in the other, or in another order. */
function differences(mosquitto: readonly string[], sluice: readonly string[]): string[] {
  const missing = mosquitto.filter((each) => !sluice.includes(each)).map((each) => `mosquitto only: ${each}`);
  const extra = sluice.filter((each) => !mosquitto.includes(each)).map((each) => `sluice only: ${each}`);
  if (missing.length + extra.length > 0) return [...missing, ...extra];
  return mosquitto.join() === sluice.join() ? [] : ['the order differs'];
}

if (missing.length > 0) console.log(`skipped: ${missing.join(' and ')} is not installed`);
else run();

function run(): void {
  const test = suite('a mosquitto.conf on both brokers');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mosquitto-'));
  const authority = new Authority();
  const server = authority.issue('/CN=localhost', 'DNS:localhost,IP:127.0.0.1');
  const device = authority.issue('/O=Plant/CN=device-7');
  const nameless = authority.issue('/O=Plant');
  const file = (name: string): string => join(folder, name);
  test.before(() => {
    const passwd = findProgram('mosquitto_passwd')!;
    const add = (...args: string[]): Buffer => execFileSync(passwd, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    add('-c', '-b', file('users'), 'anna', 'right');
    add('-H', 'sha512', '-b', file('users'), 'otto', 'his own');
    add('-b', file('users'), 'root', 'root');
    add('-c', '-b', file('roots'), 'root', 'root');
    writeFileSync(file('acl'), ACL);
    writeFileSync(file('keys'), `device-7:${KEY}\n`);
    writeFileSync(file('guests.acl'), 'topic readwrite guests/#\ntopic read public/#\n');
    writeFileSync(file('device.acl'), 'pattern readwrite plant/%u/#\nuser root\ntopic readwrite #\n');
  });
  test.after(() => {
    rmSync(folder, { recursive: true });
    authority.remove();
  });

  /** Runs `use` on both brokers, with `conf` for as many ports as it takes, and compares what it returns. */
  async function compare(
    ports: number,
    conf: (...ports: number[]) => string,
    use: (...ports: number[]) => Promise<string[]>,
  ): Promise<string[]> {
    const results: string[][] = [];
    for (const broker of ['mosquitto', 'sluice'] as const) {
      const chosen = await Promise.all(Array.from({ length: ports }, () => freePort()));
      const name = file(`${broker}.conf`);
      // Started by root, mosquitto becomes somebody who cannot read our folder.
      writeFileSync(name, `${process.getuid?.() === 0 ? 'user root\n' : ''}log_type error\n${conf(...chosen)}`);
      if (broker === 'mosquitto') {
        const child = startProcess(MOSQUITTO!, ['-c', name]);
        try {
          await untilAccepting(child, broker, { host: '127.0.0.1', port: chosen[0]! });
          results.push(await use(...chosen));
        } finally {
          await child.stop();
        }
      } else {
        const node = new NodeChild(['--mosquitto-config', name, '--set', 'http.port=-1', '--set', 'node.threads=1'], {}, NODE);
        try {
          await node.ready();
          results.push(await use(...chosen));
        } finally {
          node.kill('SIGTERM');
          await node.ended;
        }
      }
    }
    assert.equal(differences(results[0]!, results[1]!), []);
    return results[1]!;
  }

  const rootAt = (port: number): Promise<RawClient> => RawClient.connect(port, { clientId: 'root', ...ROOT });

  test('users and rules of the whole broker, in front of and behind a mount point, and what the tools say', async () => {
    const conf = (port: number, mounted: number): string =>
      [
        'max_packet_size 2000\nmax_keepalive 30',
        `listener ${port} 127.0.0.1`,
        `listener ${mounted} 127.0.0.1\nmount_point site/7/`,
        `allow_anonymous true\npassword_file ${file('users')}\nacl_file ${file('acl')}`,
      ].join('\n');
    const seen = await compare(2, conf, async (port, mounted) => {
      const publisher = await rootAt(port);
      const { maximumPacketSize, serverKeepAlive } = publisher.connack.properties ?? {};
      return [
        ...(await observe(overTcp(port), publisher)),
        ...(await observe(overTcp(mounted), publisher, 'site/7/')).map((each) => `mounted: ${each}`),
        `packets of ${maximumPacketSize} bytes, ${serverKeepAlive} s`,
        ...(await useTools(port, publisher)),
      ];
    });
    for (const expected of [
      ...['anna, wrong (d7) stays outside', 'anna (d7) publishes anna/x', 'anna (d7) receives shared/1/down'],
      ...['anna (d7) publishes devices/d7/up', 'anna (d7) receives mixed/anna/d7/x', 'nobody (d7) receives public/a'],
      ...['mounted: anna (d7) publishes anna/x', 'mounted: anna (d7) receives anna/x', 'anna right 5: in', 'anna wrong 5: out'],
    ])
      assert.ok(seen.includes(expected), expected);
    for (const forbidden of [
      ...['anna (d7) receives anna/private/y', 'anna (d9) publishes devices/d7/up', 'otto (d7) publishes otto/no'],
      'mounted: anna (d7) publishes shared/1/up',
    ])
      assert.not.ok(seen.includes(forbidden), forbidden);
  });

  /** mosquitto_pub with credentials that are good and not, mosquitto_sub with one who may not receive everything. */
  async function useTools(port: number, publisher: RawClient): Promise<string[]> {
    const attempts = ['right', 'wrong'].flatMap((password) => ['311', '5'].map((version) => ({ password, version })));
    const ends = attempts.map(async ({ password, version }) => {
      const login = ['-u', 'anna', '-P', password];
      const tool = new Tool('mosquitto_pub', port, ['-V', version, '-q', '1', ...login, '-t', 'anna/x', '-m', 'x']);
      const code = await within('the end of mosquitto_pub', tool.ended);
      return `anna ${password} ${version}: ${code === 0 ? 'in' : 'out'}`;
    });
    const login = ['-u', 'anna', '-P', 'right', '-i', 'd7'];
    const sub = new Tool('mosquitto_sub', port, [...login, '-q', '1', '-t', '#', '-C', '2', '-v']);
    // The subscription is there once what is published for it comes.
    await until('mosquitto_sub has heard', () => {
      for (const topic of ['anna/private/y', 'devices/anna/down', 'other', 'shared/2/down']) publisher.publish(topic, topic);
      return sub.output !== '';
    });
    assert.is(await within('the end of mosquitto_sub', sub.ended), 0, sub.output);
    return [...(await Promise.all(ends)), ...sub.output.split('\n')];
  }

  test('each listener with users and rules of its own, and certificates taken for the user name', async () => {
    const conf = (root: number, users: number, guests: number, nobody: number, secure: number, shared: number): string =>
      [
        'per_listener_settings true',
        `listener ${root} 127.0.0.1\npassword_file ${file('roots')}`,
        `listener ${users} 127.0.0.1\npassword_file ${file('users')}\nacl_file ${file('acl')}`,
        `listener ${guests} 127.0.0.1\nallow_anonymous true\nacl_file ${file('guests.acl')}`,
        `listener ${nobody} 127.0.0.1`,
        `listener ${secure} 127.0.0.1\npassword_file ${file('users')}\nacl_file ${file('device.acl')}`,
        `cafile ${authority.file}\ncertfile ${server.certFile}\nkeyfile ${server.keyFile}`,
        'require_certificate true\nuse_identity_as_username true',
        `listener ${shared} 127.0.0.1\npsk_hint keys\npsk_file ${file('keys')}\nacl_file ${file('device.acl')}\nuse_identity_as_username true`,
      ].join('\n');
    const over =
      (port: number, identity: tls.ConnectionOptions): Connect =>
      async (clientId, login) => {
        const client = RawClient.over(tls.connect({ port, host: '127.0.0.1', ca: authority.cert, ...identity }));
        const closed = client.closed.then(() => Promise.reject(new Error('closed')));
        await within('a CONNACK or the end', Promise.race([client.connect({ clientId, ...login }), closed]));
        return client;
      };
    const withKey = (psk: string): tls.ConnectionOptions => ({
      pskCallback: () => ({ psk: Buffer.from(psk, 'hex'), identity: 'device-7' }),
      checkServerIdentity: () => undefined,
      ciphers: 'PSK',
      maxVersion: 'TLSv1.2',
    });
    const seen = await compare(6, conf, async (root, users, guests, nobody, secure, shared) => {
      const publisher = await rootAt(root!);
      const places: Record<string, Connect> = {
        users: overTcp(users!),
        guests: overTcp(guests!),
        nobody: overTcp(nobody!),
        device: over(secure!, { cert: device.cert, key: device.key }),
        nameless: over(secure!, { cert: nameless.cert, key: nameless.key }),
        'no certificate': over(secure!, {}),
        key: over(shared!, withKey(KEY)),
        'another key': over(shared!, withKey('00')),
      };
      const all: string[] = [];
      for (const [place, connect] of Object.entries(places))
        all.push(...(await observe(connect, publisher)).map((each) => `${place}: ${each}`));
      return all;
    });
    const outside = (...places: string[]): boolean =>
      seen
        .filter((each) => places.some((place) => each.startsWith(`${place}: `)))
        .every((each) => each.endsWith('stays outside'));
    assert.ok(seen.includes('guests: nobody (d7) publishes guests/x'));
    assert.ok(seen.includes('guests: anna, wrong (d7) subscribes with 0'), 'there are no passwords there');
    assert.not.ok(seen.includes('guests: anna, wrong (d7) publishes guests/x'), 'but she is not nobody');
    assert.ok(seen.includes('users: nobody (d7) stays outside'));
    assert.ok(seen.includes('device: anna, wrong (d7) publishes plant/device-7/x'));
    assert.not.ok(seen.includes('device: anna (d7) publishes anna/x'));
    assert.ok(seen.includes('key: anna (d7) publishes plant/device-7/x'));
    assert.ok(outside('nobody', 'nameless', 'no certificate', 'another key'));
  });

  test.run();
}
