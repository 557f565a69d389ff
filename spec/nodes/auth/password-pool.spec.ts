import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../../src/nodes/auth/password-hash.ts';
import { PasswordPool } from '../../../src/nodes/auth/password-pool.ts';
import { parseStoredPassword, type StoredPassword } from '../../../src/nodes/auth/stored-password.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const stored = (password: string): StoredPassword => parseStoredPassword(hashPassword(password, 10))!;
const ANNA = stored('anna’s');
const OTTO = stored('otto’s');

const test = suite('password pool');

test('the right password is right, everything else is wrong, also when asked again', async () => {
  const pool = new PasswordPool({ threads: 1, logN: 10 });
  for (let round = 0; round < 2; round++) {
    assert.is(await pool.verify('anna', bytes('anna’s'), ANNA), 'right');
    assert.is(await pool.verify('otto', bytes('otto’s'), OTTO), 'right');
    assert.is(await pool.verify('anna', bytes('otto’s'), ANNA), 'wrong');
    assert.is(await pool.verify('anna', bytes(''), ANNA), 'wrong');
    assert.is(await pool.verifyNobody(bytes('anna’s')), 'wrong');
  }
  await pool.close();
});

test('what was right under another hash, or for another user, is checked anew', async () => {
  const pool = new PasswordPool({ threads: 1, logN: 10 });
  assert.is(await pool.verify('anna', bytes('anna’s'), ANNA), 'right');
  assert.is(await pool.verify('anna', bytes('anna’s'), stored('new')), 'wrong');
  assert.is(await pool.verify('ann', bytes('aanna’s'), ANNA), 'wrong', 'no part may lend bytes to the next');
  await pool.close();
});

test('more checks than may wait are answered at once as overloaded, the others properly', async () => {
  const pool = new PasswordPool({ threads: 1, queuedMax: 4, logN: 10 });
  const verdicts = await Promise.all(
    Array.from({ length: 40 }, (_, i) => pool.verify('anna', bytes(i === 0 ? 'anna’s' : `wrong ${i}`), ANNA)),
  );
  const overloaded = verdicts.filter((verdict) => verdict === 'overloaded').length;
  assert.ok(overloaded >= 30 && overloaded < 40, `${overloaded} were overloaded`);
  for (const [i, verdict] of verdicts.entries()) {
    if (verdict !== 'overloaded') assert.is(verdict, i === 0 ? 'right' : 'wrong');
  }
  await pool.close();
});

test('nobody waits for longer than a client does, by what checks take', async () => {
  const pool = new PasswordPool({ threads: 1, waitMsMax: 0, logN: 10 });
  const verdicts = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.verify('anna', bytes(`wrong ${i}`), ANNA)));
  const overloaded = verdicts.filter((verdict) => verdict === 'overloaded').length;
  assert.ok(overloaded > 0 && overloaded < 20, `${overloaded} found others waiting`);
  for (let i = 0; i < 5; i++) assert.is(await pool.verify('anna', bytes(`also wrong ${i}`), ANNA), 'wrong');
  await pool.close();
});

test('one login that comes many times at once is checked once', async () => {
  const pool = new PasswordPool({ threads: 1, queuedMax: 2, logN: 10 });
  const right = Array.from({ length: 200 }, () => pool.verify('anna', bytes('anna’s'), ANNA));
  const wrong = Array.from({ length: 200 }, () => pool.verify('anna', bytes('otto’s'), ANNA));
  assert.equal(new Set(await Promise.all(right)), new Set(['right']), 'none of them has found the pool full');
  assert.equal(new Set(await Promise.all(wrong)), new Set(['wrong']));
  assert.is(await pool.verify('anna', bytes('otto’s'), ANNA), 'wrong', 'and nothing of it is left');
  await pool.close();
});

test('a new password is hashed so that it verifies', async () => {
  const pool = new PasswordPool({ threads: 1, logN: 10 });
  const made = await pool.hash('secret');
  assert.is(await pool.verify('anna', bytes('secret'), parseStoredPassword(made!.hash)!), 'right');
  assert.is(await pool.verify('anna', bytes('Secret'), parseStoredPassword(made!.hash)!), 'wrong');
  await pool.close();
});

test.run();
