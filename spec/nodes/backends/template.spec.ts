import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readRules } from '../../../src/nodes/access/rule-schema.ts';
import { storedPassword } from '../../../src/nodes/auth/links/user-store.ts';
import { rulesOfRows, Turnstile } from '../../../src/nodes/backends/back-end.ts';
import {
  fill,
  fillCommand,
  fillQuery,
  inJson,
  inUrl,
  type TemplateValues,
  unknownPlaceholder,
} from '../../../src/nodes/backends/template.ts';

const test = suite('templates of back ends');

const values = (username: string): TemplateValues => ({ clientid: 'c1', username, password: 'p', peerhost: '127.0.0.1' });
const text = fc.string({ unit: 'binary', maxLength: 20 });

test('a value stays a value: in JSON, in a URL, in a form', () => {
  fc.assert(
    fc.property(text, (name) => {
      const json = JSON.parse(fill('{"u":"${username}","c":"${clientid}"}', values(name), inJson)) as Record<string, string>;
      assert.equal(json, { u: name, c: 'c1' });
      if (!name.isWellFormed()) return;
      const url = new URL(fill('http://h/u/${username}?u=${username}&c=${clientid}', values(name), inUrl));
      assert.is(url.searchParams.get('u'), name);
      assert.is(url.searchParams.get('c'), 'c1');
      // Dots alone are a path of their own, which no encoding changes.
      if (!/^\.{0,2}$/.test(name)) assert.is(decodeURIComponent(url.pathname), `/u/${name}`);
    }),
  );
});

test('a value is a parameter of a query, with or without quotes in the template', () => {
  fc.assert(
    fc.property(text, (name) => {
      const template = "SELECT * FROM t WHERE u = ${username} AND c = '${clientid}' AND v = ${username}";
      assert.equal(
        fillQuery(template, values(name), (n) => `$${n}`),
        {
          text: 'SELECT * FROM t WHERE u = $1 AND c = $2 AND v = $3',
          parameters: [name, 'c1', name],
        },
      );
    }),
  );
});

test('a value is a part of one argument of a command', () => {
  fc.assert(
    fc.property(text, (name) => {
      assert.equal(fillCommand('HMGET  user:${username}:${clientid} a b', values(name)), ['HMGET', `user:${name}:c1`, 'a', 'b']);
    }),
  );
});

test('placeholders that mean nothing are found, and what is not known is empty', () => {
  assert.is(unknownPlaceholder('${username} ${user}'), 'user');
  assert.is(unknownPlaceholder('${username} $user {user} ${TOPIC}'), undefined);
  assert.is(fill('[${topic}]', values('x'), inUrl), '[]');
});

test('rows become rules, or are refused as a whole', () => {
  assert.equal(
    rulesOfRows([
      { permission: 'allow', action: 'publish', topic: 'a/%c', qos: null, retain: null },
      { permission: Buffer.from('deny'), action: 'all', topic: '#', qos: '0,1', retain: 1 },
      { permission: 'allow', action: 'subscribe', topic: null, qos: 2, retain: false },
    ]),
    [
      { permission: 'allow', action: 'publish', topics: ['a/%c'] },
      { permission: 'deny', action: 'all', topics: ['#'], qos: [0, 1], retain: true },
      { permission: 'allow', action: 'subscribe', qos: [2], retain: false },
    ],
  );
  for (const bad of [{}, { permission: 'maybe', action: 'all' }, { permission: 'allow', action: 'all', topic: 'a/#/b' }])
    assert.throws(() => rulesOfRows([bad]), /its rules are not rules/);
  assert.type(readRules('x'), 'string');
});

test('stored passwords are of the form that the settings say, or none', () => {
  const settings = { algorithm: 'sha256', salt_position: 'prefix', iterations: 10 } as const;
  const hash = 'ab'.repeat(32);
  const forms = [
    [{ ...settings, algorithm: 'plain' }, 'secret', 'plain'],
    [settings, hash, 'digest'],
    [settings, hash.slice(2), undefined],
    [settings, `${hash}zz`, undefined],
    [{ ...settings, algorithm: 'sha512' }, hash + hash, 'digest'],
    [{ ...settings, algorithm: 'pbkdf2-sha256' }, hash, 'pbkdf2'],
    [{ ...settings, algorithm: 'auto' }, hash, undefined],
    [{ ...settings, algorithm: 'auto' }, `$2b$04$${'a'.repeat(53)}`, 'bcrypt'],
  ] as const;
  for (const [how, password_hash, kind] of forms) {
    assert.is(storedPassword({ password_hash, salt: 's' }, how)?.kind, kind, `${how.algorithm} ${password_hash}`);
  }
  assert.is(storedPassword({}, settings), undefined);
});

test('a turnstile refuses who is too many, and lets in again when others have left', async () => {
  const turnstile = new Turnstile(2);
  const leave: (() => void)[] = [];
  const wait = (): Promise<void> => turnstile.pass(() => new Promise<void>((resolve) => leave.push(resolve)));
  const inside = [wait(), wait()];
  await turnstile
    .pass(async () => {})
    .then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /too many/),
    );
  leave[0]!();
  await inside[0];
  await turnstile.pass(() => Promise.reject(new Error('broken'))).catch(() => {});
  assert.is(await turnstile.pass(async () => 'in'), 'in', 'one that failed has left too');
  leave[1]!();
  await inside[1];
});

test.run();
