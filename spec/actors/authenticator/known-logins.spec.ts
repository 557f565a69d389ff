import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KnownLogins } from '../../../src/actors/authenticator/known-logins.ts';
import type { AuthenticateReply, AuthenticateRequest } from '../../../src/actors/authenticator/messages.ts';
import { LOGIN_BYTES_MAX, LOGINS_KNOWN_MS } from '../../../src/base/limits.ts';

const test = suite('known logins');

const KEY = new Uint8Array(32).fill(7);
const GOOD: AuthenticateReply = { ok: true, groups: ['staff'], memorable: 0 };

function login(username: string | undefined, password: string | Uint8Array | undefined, authChain = ''): AuthenticateRequest {
  return {
    type: 'authenticate',
    clientId: `c-${Math.random()}`,
    connection: { remoteAddress: '127.0.0.1:1', listener: 'l', authChain, mountpoint: '' },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: typeof password === 'string' ? Buffer.from(password) : password }),
  };
}

test('the same login is recognised, whatever the client id, for its time', () => {
  const logins = new KnownLogins(KEY);
  logins.remember(login('anna', 'secret'), GOOD, 1000);
  assert.equal(logins.recall(login('anna', 'secret'), 1000 + LOGINS_KNOWN_MS - 1), GOOD);
  assert.is(logins.recall(login('anna', 'secret'), 1000 + LOGINS_KNOWN_MS), undefined);
  assert.is(logins.size, 0, 'and is gone then');
});

test('no other one is: nor one whose parts lend each other bytes', () => {
  const part = fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom('', 'a', 'aa', 'ä', '\u0000', '\u0001'));
  const any = fc.record({ username: part, password: part, chain: fc.constantFrom('', 'a', 'devices') });
  fc.assert(
    fc.property(any, any, (one, other) => {
      const logins = new KnownLogins(KEY);
      logins.remember(login(one.username, one.password, one.chain), GOOD, 0);
      const isSame = one.username === other.username && one.password === other.password && one.chain === other.chain;
      assert.is(logins.recall(login(other.username, other.password, other.chain), 0) !== undefined, isSame);
    }),
    { numRuns: 500 },
  );
});

test('a change of users makes all of them strangers, also those that are being asked about', () => {
  const logins = new KnownLogins(KEY);
  logins.remember(login('anna', 'secret'), GOOD, 0);
  logins.forget(1);
  assert.is(logins.recall(login('anna', 'secret'), 0), undefined);
  logins.remember(login('anna', 'secret'), GOOD, 0); // found out before the change
  logins.remember(login('otto', 'secret'), { ...GOOD, memorable: 2 }, 0); // and after one that is on its way here
  assert.is(logins.size, 0);
  logins.remember(login('anna', 'secret'), { ...GOOD, memorable: 1 }, 0);
  assert.is(logins.recall(login('anna', 'secret'), 0)?.ok, true);
});

test('without a password, and beyond the length that is looked at, nothing is remembered', () => {
  const logins = new KnownLogins(KEY);
  for (const each of [
    login('anna', undefined),
    login(undefined, 'x'),
    login('ä'.repeat(400), 'x'),
    login('a', new Uint8Array(LOGIN_BYTES_MAX)),
  ])
    logins.remember(each, GOOD, 0);
  assert.is(logins.size, 0);
});

test('there are never more than the bound, and the oldest goes', () => {
  const logins = new KnownLogins(KEY, 3);
  for (const name of ['a', 'b', 'c']) logins.remember(login(name, 'x'), GOOD, 0);
  logins.remember(login('a', 'x'), GOOD, 1); // the youngest again
  logins.remember(login('d', 'x'), GOOD, 2);
  assert.is(logins.size, 3);
  assert.equal(
    ['a', 'b', 'c', 'd'].map((name) => logins.recall(login(name, 'x'), 3) !== undefined),
    [true, false, true, true],
  );
});

test('neither password nor user name stays in it', () => {
  const logins = new KnownLogins(KEY);
  logins.remember(login('annabel-lee', 'by-the-sea'), GOOD, 0);
  const { inspect } = process.getBuiltinModule('node:util');
  const seen = inspect(logins, { depth: 9, showHidden: true, maxArrayLength: null });
  for (const word of ['annabel-lee', 'by-the-sea']) assert.not.ok(seen.includes(word));
});

test.run();
