/** What every database has to do for users and rules; a spec file each runs it against a real one. */
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Rule } from '../../../src/actors/access/messages.ts';
import { UserStoreLink } from '../../../src/nodes/auth/links/user-store.ts';
import { hashPassword } from '../../../src/nodes/auth/password-hash.ts';
import { PasswordPool } from '../../../src/nodes/auth/password-pool.ts';
import type { UserStore } from '../../../src/nodes/backends/back-end.ts';
import type { StoreName } from '../../../src/nodes/backends/drivers.ts';
import { defaultConfig } from '../../../src/nodes/config/load.ts';
import { describeFailure } from '../../../src/nodes/security/failure-log.ts';
import type { Peer } from './peers.ts';

const { backend } = defaultConfig();
const HASH = hashPassword('right', 10);
const SALTED = createHash('sha256').update('salt').update('right').digest('hex');
const NASTY = `o'tto"; DROP TABLE mqtt_user; --`;
const TIMEOUT_MS = 2000;
const QUICK_MS = 200;

/** For databases that speak SQL. */
export const TABLES: readonly string[] = [
  'CREATE TABLE mqtt_user (username VARCHAR(100), password_hash VARCHAR(200), salt VARCHAR(40), is_superuser BOOLEAN)',
  'CREATE TABLE mqtt_acl (id INT, username VARCHAR(100), permission VARCHAR(5), action VARCHAR(9), topic VARCHAR(100), qos SMALLINT, retain BOOLEAN)',
  "INSERT INTO mqtt_acl VALUES (2, 'anna', 'allow', 'publish', 'a/%c', 1, NULL), (1, 'anna', 'deny', 'all', 'a/b', NULL, TRUE), (3, 'broken', 'maybe', 'all', 'a', NULL, NULL)",
];
export const RULES: readonly Rule[] = [
  { permission: 'deny', action: 'all', topics: ['a/b'], retain: true },
  { permission: 'allow', action: 'publish', topics: ['a/%c'], qos: [1] },
];
export const USERS: readonly (readonly [name: string, hash: string, salt: string | null, superuser: boolean])[] = [
  ['anna', HASH, null, false],
  ['root', HASH, null, true],
  [NASTY, HASH, null, false],
  ['salted', SALTED, 'salt', false],
  ['broken', 'no hash', null, false],
];

export interface StoreKind {
  readonly name: StoreName;
  readonly start: () => Promise<Peer | undefined>;
  readonly fill: (url: string) => Promise<void>;
  readonly open: (url: string, timeoutMs: number) => UserStore;
  readonly rules: readonly Rule[];
}

const values = (username: string) => ({ clientid: 'c1', username, peerhost: '127.0.0.1' });
const failure = (of: Promise<unknown>): Promise<string> => of.then(() => 'it did not fail', describeFailure);

/** Accepts connections and does `behave` with each. */
async function impostor(behave: (socket: Socket) => void): Promise<{ port: number; stop: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

export async function runStoreSpecs(kind: StoreKind): Promise<void> {
  const peer = await kind.start();
  if (peer === undefined) {
    console.log(`skipped: ${kind.name} is not installed`);
    return;
  }
  const test = suite(`users and rules in ${kind.name}`);
  let store: UserStore;
  let pool: PasswordPool;
  test.before(async () => {
    await kind.fill(peer.url);
    store = kind.open(peer.url, TIMEOUT_MS);
    pool = new PasswordPool({ threads: 1, logN: 10 });
  });
  test.after(async () => {
    await store.close();
    await pool.close();
    await peer.stop();
  });

  const login = async (username: string, password: string, hash = backend.hash): Promise<string> => {
    const link = new UserStoreLink(kind.name, store, hash, pool);
    const connection = { remoteAddress: '127.0.0.1:1', listener: 'default', authChain: '', mountpoint: '' };
    const decision = await link.authenticate({ clientId: 'c1', username, password: Buffer.from(password), connection });
    return decision.verdict === 'allow' && decision.grant.superuser ? 'superuser' : decision.verdict;
  };

  test('who has the right password is in, who has a wrong one is not, who is not there is passed on', async () => {
    assert.is(await login('anna', 'right'), 'allow');
    assert.is(await login('anna', 'wrong'), 'deny');
    assert.is(await login('root', 'right'), 'superuser');
    assert.is(await login('nobody', 'right'), 'ignore');
    assert.is(await login('', 'right'), 'ignore');
    assert.is(await login('salted', 'right', { algorithm: 'sha256', salt_position: 'prefix', iterations: 1 }), 'allow');
    assert.is(await login('salted', 'right', { algorithm: 'sha256', salt_position: 'suffix', iterations: 1 }), 'deny');
  });

  test('a name that is code for the database is a name', async () => {
    assert.is(await login(NASTY, 'right'), 'allow');
    for (const name of ["' OR '1'='1", '*', 'anna\0', "anna' -- ", 'anna\r\nDEL mqtt_user:anna', '?', '$1'])
      assert.not(['allow', 'superuser'].includes(await login(name, 'right').catch(describeFailure)), name);
    assert.is(await login('anna', 'right'), 'allow', 'and everything is still there');
  });

  test('a stored password that is none is a failure, and is not repeated', async () => {
    assert.is(await failure(login('broken', 'right')), 'a stored password is of another form than backend.hash says');
  });

  test('rules of a client, in their order; those that are none are a failure', async () => {
    assert.equal(await store.findRules(values('anna')), kind.rules);
    assert.equal(await store.findRules(values('nobody')), []);
    assert.is(await failure(store.findRules(values('broken'))), 'its rules are not rules');
  });

  test('many questions at once', async () => {
    const found = await Promise.all(
      Array.from({ length: 200 }, (_, i) => store.findUser(values(i % 2 === 0 ? 'anna' : 'nobody'))),
    );
    assert.is(found.filter((row) => row?.password_hash === HASH).length, 100);
  });

  test('a server that hangs is given up after its time, and asked again when it is back', async () => {
    const impatient = kind.open(peer.url, QUICK_MS);
    assert.ok(await impatient.findUser(values('anna')));
    peer.kill('SIGSTOP');
    const failures = await Promise.all(Array.from({ length: 20 }, () => failure(impatient.findUser(values('anna')))));
    peer.kill('SIGCONT');
    assert.ok(failures.every((how) => how !== 'it did not fail'));
    let row: unknown;
    for (let attempt = 0; attempt < 100 && row === undefined; attempt++) {
      row = await impatient.findUser(values('anna')).catch(() => undefined);
    }
    assert.ok(row, 'it is asked again');
    await impatient.close();
  });

  test('a server that says nothing, talks nonsense or hangs up is a failure in time', async () => {
    const behaviours: ((socket: Socket) => void)[] = [
      () => {},
      (socket) => socket.write('this is not a database\r\n'.repeat(10)),
      (socket) => socket.write(Buffer.alloc(5000, 0xff)),
      (socket) => socket.destroy(),
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
    ];
    for (const [i, behaviour] of behaviours.entries()) {
      const fake = await impostor(behaviour);
      const fooled = kind.open(peer.url.replace(`:${peer.port}/`, `:${fake.port}/`), QUICK_MS);
      assert.is.not(await failure(fooled.findUser(values('anna'))), 'it did not fail', String(i));
      fake.stop();
      assert.is.not(await failure(fooled.findUser(values('anna'))), 'it did not fail', `${i}, gone`);
      await fooled.close();
    }
  });

  test('a server that dies', async () => {
    peer.kill('SIGKILL');
    const how = await failure(store.findUser(values('anna')));
    assert.is.not(how, 'it did not fail');
    assert.not.match(how, /127\.0\.0\.1|root/);
  });

  test.run();
}
