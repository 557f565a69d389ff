import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../../src/base/errors.ts';
import { hashPassword } from '../../../src/nodes/auth/password-hash.ts';
import { parseUsers, readUsersFile } from '../../../src/nodes/auth/users-file.ts';

const HASH = hashPassword('secret', 10);

const test = suite('users file');

test('users, comments, empty lines, foreign line ends, colons in names', () => {
  const users = parseUsers('users', `# devices\n\nanna:${HASH}\r\na:b:${HASH}\n  \n`);
  assert.equal([...users.keys()], ['anna', 'a:b']);
  assert.equal(users.get('anna'), { kind: 'scrypt', text: HASH });
});

test('a bad line is named by number, and nothing of it is repeated', () => {
  const table: [string, RegExp][] = [
    ['anna:hunter2', /"users" line 1: has no hash/],
    [`ok:${HASH}\nhunter2`, /line 2: is not `user:hash`/],
    [`:${HASH}`, /line 1: is not/],
    [`anna:${HASH}\nanna:${HASH}`, /line 2: names a user for the second time/],
  ];
  for (const [text, message] of table) {
    try {
      parseUsers('users', text);
      assert.unreachable(text);
    } catch (error) {
      assert.is((error as SluiceError).code, 'SLUICE_AUTH_USERS_FILE');
      assert.match((error as SluiceError).message, message);
      assert.not.match((error as SluiceError).message, /hunter2/);
    }
  }
});

test('a missing file is a coded error', () => {
  assert.throws(() => readUsersFile('/nonexistent/users'), /"\/nonexistent\/users" cannot be read: ENOENT/);
});

test('every set of names comes back', () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !/^#|^\s|[\r\n]/.test(text));
  fc.assert(
    fc.property(fc.uniqueArray(name), (names) => {
      const users = parseUsers('users', names.map((user) => `${user}:${HASH}`).join('\n'));
      assert.equal([...users.keys()], names);
    }),
  );
});

test.run();
