import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createPasswordChecker } from '../../../src/nodes/auth/password-checker.ts';
import { hashPassword } from '../../../src/nodes/auth/password-hash.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const users = new Map([
  ['anna', hashPassword('anna’s', 10)],
  ['otto', hashPassword('otto’s', 10)],
]);

const test = suite('password checker');

test('the right password of a known user is good, everything else is not, also when asked again', async () => {
  const checker = createPasswordChecker(users, { threads: 1 });
  for (let round = 0; round < 2; round++) {
    assert.equal(await checker.check('anna', bytes('anna’s')), { ok: true });
    assert.equal(await checker.check('otto', bytes('otto’s')), { ok: true });
    assert.equal(await checker.check('anna', bytes('otto’s')), { ok: false });
    assert.equal(await checker.check('anna', bytes('')), { ok: false });
    assert.equal(await checker.check('nobody', bytes('anna’s')), { ok: false });
    assert.equal(await checker.check('', bytes('')), { ok: false });
  }
  await checker.close();
});

test('new users count at once: who is gone or has another password is refused', async () => {
  const checker = createPasswordChecker(users, { threads: 1 });
  assert.ok((await checker.check('anna', bytes('anna’s'))).ok);
  assert.ok((await checker.check('otto', bytes('otto’s'))).ok);
  checker.replaceUsers(new Map([['anna', hashPassword('new', 10)]]));
  assert.not((await checker.check('anna', bytes('anna’s'))).ok);
  assert.not((await checker.check('otto', bytes('otto’s'))).ok);
  assert.ok((await checker.check('anna', bytes('new'))).ok);
  await checker.close();
});

test('more checks than may wait are answered at once as overloaded, the others properly', async () => {
  const checker = createPasswordChecker(users, { threads: 1, queuedMax: 4 });
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, i) => checker.check('anna', bytes(i % 2 === 0 ? 'anna’s' : 'wrong'))),
  );
  const overloaded = replies.filter((reply) => reply.overloaded === true);
  assert.ok(overloaded.length >= 30 && overloaded.length < 40, `${overloaded.length} were overloaded`);
  assert.ok(overloaded.every((reply) => !reply.ok));
  for (const [i, reply] of replies.entries()) if (reply.overloaded !== true) assert.is(reply.ok, i % 2 === 0);
  await checker.close();
});

test.run();
