import { scryptSync } from 'node:crypto';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword, parsePasswordHash, verifyPassword } from '../../../src/nodes/auth/password-hash.ts';

/** Cheap enough for a property test. */
const LOG_N = 10;

const test = suite('password hash');

test('a password verifies against its own hash and no other password does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (password, other) => {
      const stored = hashPassword(password, LOG_N);
      assert.ok(verifyPassword(password, stored));
      assert.is(verifyPassword(other, stored), Buffer.compare(password, other) === 0);
    }),
    { numRuns: 30 },
  );
});

test('two hashes of one password differ', () => {
  assert.is.not(hashPassword('secret', LOG_N), hashPassword('secret', LOG_N));
});

test('a text and its UTF-8 bytes are the same password', () => {
  assert.ok(verifyPassword(new TextEncoder().encode('pässwörd'), hashPassword('pässwörd', LOG_N)));
});

test('the stored form is scrypt in the PHC format', () => {
  const salt = Buffer.alloc(16, 7);
  const hash = scryptSync('secret', salt, 32, { N: 1024, r: 8, p: 1 });
  const stored = `$scrypt$ln=10,r=8,p=1$${salt.toString('base64').replace(/=+$/, '')}$${hash.toString('base64').replace(/=+$/, '')}`;
  assert.ok(verifyPassword('secret', stored));
  assert.not(verifyPassword('Secret', stored));
  assert.match(hashPassword('secret'), /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
});

test('a hash that is not one, or that asks for too much, never verifies', () => {
  const good = hashPassword('', LOG_N);
  const table = [
    '',
    'secret',
    '$2b$12$abc',
    good.slice(1),
    good.replace('ln=10', 'ln=30'),
    good.replace('r=8', 'r=99'),
    good.replace('p=1', 'p=9'),
    `${good}:`,
  ];
  for (const stored of table) {
    assert.is(parsePasswordHash(stored), undefined, stored);
    assert.not(verifyPassword('', stored), stored);
  }
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (stored) => !verifyPassword('', stored)));
});

test.run();
