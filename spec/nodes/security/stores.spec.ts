import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Ban, Rule } from '../../../src/actors/access/messages.ts';
import { parseScramCredential } from '../../../src/actors/authenticator/scram-sha-256.ts';
import type { SluiceError } from '../../../src/base/errors.ts';
import { PasswordPool } from '../../../src/nodes/auth/password-pool.ts';
import { storedScram } from '../../../src/nodes/auth/scram-file.ts';
import { TopicMeters } from '../../../src/nodes/extensions/topic-meters.ts';
import { BanList } from '../../../src/nodes/security/ban-list.ts';
import { type DocumentName, type DocumentStore, FileDocumentStore } from '../../../src/nodes/security/document-store.ts';
import { RuleList } from '../../../src/nodes/security/rule-list.ts';
import { UserDirectory } from '../../../src/nodes/security/user-directory.ts';

const test = suite('users, rules and bans that are kept');

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let folder: string;
let pool: PasswordPool;
test.before(() => {
  pool = new PasswordPool({ threads: 1, logN: 10 });
});
test.after(() => pool.close());
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-security-'));
});
test.after.each(() => rmSync(folder, { recursive: true }));

class FailingStore implements DocumentStore {
  read(): unknown {
    return undefined;
  }
  write(): Promise<void> {
    return Promise.reject(new Error('the disk is full'));
  }
}

async function codeOf(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    return (error as SluiceError).code;
  }
  return 'nothing was thrown';
}

test('a document is replaced as a whole, readable for its owner alone', async () => {
  const store = new FileDocumentStore(join(folder, 'data'));
  assert.is(store.read('users'), undefined);
  await store.write('users', { a: 1 });
  assert.equal(store.read('users'), { a: 1 });
  const file = join(folder, 'data', 'security', 'users.json');
  assert.is(statSync(file).mode & 0o777, 0o600);
  await Promise.all(Array.from({ length: 50 }, (_, i) => store.write('users', { i })));
  assert.equal(store.read('users'), { i: 49 }, 'the last one stays');
});

test('what is damaged is said, without its content, and is never taken for nothing', async () => {
  const store = new FileDocumentStore(folder);
  mkdirSync(join(folder, 'security'));
  for (const name of ['users', 'rules', 'bans'] as const) {
    writeFileSync(join(folder, 'security', `${name}.json`), '{"hunter2":');
    assert.is(await codeOf(() => store.read(name)), 'SLUICE_SECURITY_STORE');
    try {
      store.read(name);
    } catch (error) {
      assert.not.match(String((error as Error).message), /hunter2/);
    }
  }
  const make: Record<Exclude<DocumentName, 'shared'>, () => unknown> = {
    'topic-metrics': () => new TopicMeters(1, store),
    users: () => new UserDirectory(store, pool),
    rules: () => new RuleList(store, async () => {}),
    bans: () =>
      new BanList(
        store,
        () => 0,
        async () => {},
      ),
  };
  for (const [name, list] of Object.entries(make)) {
    for (const document of ['5', '"x"', '[{}]', '{"anna":{}}', '{"anna":{"hash":"hunter2"}}']) {
      writeFileSync(join(folder, 'security', `${name}.json`), document);
      assert.is(await codeOf(list), 'SLUICE_SECURITY_STORE', `${name} ${document}`);
    }
  }
});

test('a folder that cannot be written is a coded error', async () => {
  writeFileSync(join(folder, 'file'), '');
  const store = new FileDocumentStore(join(folder, 'file'));
  assert.is(await codeOf(() => store.write('bans', [])), 'SLUICE_SECURITY_STORE');
});

test('users: added, changed, removed, and there again after a restart; no password is in the file', async () => {
  const store = new FileDocumentStore(folder);
  const users = new UserDirectory(store, pool);
  assert.ok(await users.add('anna', 'hunter2', { groups: ['staff', 'staff'] }));
  assert.not(await users.add('anna', 'other', {}), 'there is one');
  assert.ok(await users.add('__proto__', 'hunter3', { superuser: true }));
  assert.ok(await users.change('anna', { password: 'hunter4' }));
  assert.not(await users.change('nobody', { superuser: true }));
  const again = new UserDirectory(store, pool);
  assert.equal(again.list('', 10), [
    { name: '__proto__', superuser: true, groups: [] },
    { name: 'anna', superuser: false, groups: ['staff'] },
  ]);
  assert.equal(again.list('__proto__', 10), [{ name: 'anna', superuser: false, groups: ['staff'] }]);
  assert.is(await pool.verify('anna', bytes('hunter4'), again.find('anna')!.stored), 'right');
  assert.is(await pool.verify('anna', bytes('hunter2'), again.find('anna')!.stored), 'wrong');
  const { scram } = again.find('anna')!;
  const { salt, iterations } = parseScramCredential(scram)!;
  assert.is(scram, storedScram('hunter4', salt, iterations));
  assert.not.match(readFileSync(join(folder, 'security', 'users.json'), 'utf8'), /hunter/);
  assert.ok(await again.remove('anna'));
  assert.not(await again.remove('anna'));
  assert.is(again.size, 1);
});

test('many changes at once, and each is kept', async () => {
  const store = new FileDocumentStore(folder);
  const users = new UserDirectory(store, pool);
  const names = Array.from({ length: 20 }, (_, i) => `user-${String(i).padStart(2, '0')}`);
  await Promise.all(names.map((name) => users.add(name, name, {})));
  const listed = new UserDirectory(store, pool).list('', 100);
  assert.equal(
    listed.map(({ name }) => name),
    names,
  );
});

test('what cannot be kept is not in force', async () => {
  const store = new FailingStore();
  const users = new UserDirectory(store, pool);
  assert.is.not(await codeOf(() => users.add('anna', 'x', {})), 'nothing was thrown');
  assert.is(users.size, 0);
  let told = 0;
  const rules = new RuleList(store, async () => {
    told++;
  });
  assert.is.not(await codeOf(() => rules.add({ permission: 'allow', action: 'all' })), 'nothing was thrown');
  assert.equal(rules.rules, []);
  assert.is(told, 0);
});

test('rules: inserted where they are to be, told to those who enforce them, there again after a restart', async () => {
  const store = new FileDocumentStore(folder);
  const told: number[] = [];
  const rules = new RuleList(store, async (all) => {
    told.push(all.length);
  });
  const rule = (topic: string): Rule => ({ permission: 'allow', action: 'all', topics: [topic] });
  const first = await rules.add(rule('a'));
  const second = await rules.add(rule('b'));
  await rules.add(rule('c'), 0);
  assert.equal(rules.rules, [rule('c'), rule('a'), rule('b')]);
  assert.ok(await rules.remove(first));
  assert.not(await rules.remove(first));
  assert.equal(told, [1, 2, 3, 2]);
  const again = new RuleList(store, async () => {});
  assert.equal(again.rules, [rule('c'), rule('b')]);
  assert.equal(again.list(1, 1), { rules: [{ id: second, rule: rule('b') }], next: undefined });
  assert.is(again.list(0, 1).next, 1);
  assert.ok((await again.add(rule('d'))) > second, 'an id is not used again');
  await again.replaceAll([rule('e')]);
  assert.equal(again.rules, [rule('e')]);
});

test('bans: replaced by kind and value, dropped when they are over', async () => {
  const store = new FileDocumentStore(folder);
  let now = 0;
  const told: string[][] = [];
  const ban = (value: string, until: number | null): Ban => ({ kind: 'client', value, until, reason: 'spec' });
  const bans = new BanList(
    store,
    () => now,
    async (all) => {
      told.push(all.map(({ value }) => value));
    },
  );
  await bans.add(ban('a', 100));
  await bans.add(ban('b', null));
  await bans.add(ban('a', 200));
  assert.equal(bans.bans, [ban('b', null), ban('a', 200)]);
  now = 200;
  assert.equal(bans.bans, [ban('b', null)]);
  assert.not(await bans.remove({ kind: 'client', value: 'a' }));
  assert.equal(
    new BanList(
      store,
      () => now,
      async () => {},
    ).bans,
    [ban('b', null)],
  );
  assert.ok(await bans.remove({ kind: 'client', value: 'b' }));
  assert.equal(told, [['a'], ['a', 'b'], ['b', 'a'], []]);
});

test.run();
