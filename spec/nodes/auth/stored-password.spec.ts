import { execFileSync } from 'node:child_process';
import { createHash, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { argon2id, bcrypt } from 'hash-wasm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPassword } from '../../../src/nodes/auth/password-hash.ts';
import {
  isCheap,
  parseStoredPassword,
  pbkdf2Password,
  type StoredPassword,
  verifyStored,
} from '../../../src/nodes/auth/stored-password.ts';
import { readUsersFile } from '../../../src/nodes/auth/users-file.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const SALT = Buffer.from('0123456789ab');
const PASSWORD = 'pässword';

const TOOL = 'mosquitto_passwd';
const test = suite('stored passwords');

async function texts(): Promise<Record<string, string>> {
  const salt = SALT.toString('base64');
  const sha = createHash('sha512').update(PASSWORD).update(SALT).digest('base64');
  const derived = pbkdf2Sync(PASSWORD, SALT, 101, 64, 'sha512').toString('base64');
  const argon2 = {
    password: PASSWORD,
    salt: Buffer.alloc(16, 1),
    parallelism: 1,
    iterations: 2,
    memorySize: 256,
    hashLength: 32,
  };
  const blowfish = { password: PASSWORD, salt: Buffer.alloc(16, 1), costFactor: 4, outputType: 'encoded' as const };
  const bcrypted = await bcrypt(blowfish);
  return {
    scrypt: hashPassword(PASSWORD, 10),
    'mosquitto 1': `$6$${salt}$${sha}`,
    'mosquitto 2': `$7$101$${salt}$${derived}`,
    argon2id: await argon2id({ ...argon2, outputType: 'encoded' }),
    bcrypt: bcrypted,
    'bcrypt of PHP': bcrypted.replace(/^\$2./, '$2y'),
  };
}

test('every form takes its password and no other', async () => {
  for (const [name, text] of Object.entries(await texts())) {
    const stored = parseStoredPassword(text);
    assert.ok(stored, name);
    assert.ok(await verifyStored(bytes(PASSWORD), stored), name);
    for (const wrong of ['', 'password', `${PASSWORD} `])
      assert.not(await verifyStored(bytes(wrong), stored), `${name} ${wrong}`);
  }
});

test('hash and salt in columns: digests with the salt on either side, PBKDF2, plain text', async () => {
  const sha256 = (...parts: (string | Buffer)[]): Uint8Array =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
  const forms: StoredPassword[] = [
    { kind: 'plain', text: PASSWORD },
    { kind: 'digest', digest: 'sha256', salt: SALT, saltFirst: true, hash: sha256(SALT, PASSWORD) },
    { kind: 'digest', digest: 'sha256', salt: SALT, saltFirst: false, hash: sha256(PASSWORD, SALT) },
    { kind: 'digest', digest: 'sha256', salt: Buffer.alloc(0), saltFirst: true, hash: sha256(PASSWORD) },
    pbkdf2Password('sha256', 100, SALT, pbkdf2Sync(PASSWORD, SALT, 100, 32, 'sha256'))!,
  ];
  for (const stored of forms) {
    assert.ok(await verifyStored(bytes(PASSWORD), stored), stored.kind);
    assert.not(await verifyStored(bytes('wrong'), stored), stored.kind);
    assert.is(isCheap(stored), stored.kind !== 'pbkdf2');
  }
});

test('what is no hash, or asks for too much, is none', async () => {
  const { argon2id: argon2, 'mosquitto 2': pbkdf2, bcrypt: blowfish } = await texts();
  const table = [
    '',
    'secret',
    '$6$abc',
    '$7$0$YWJj$YWJjYWJjYWJjYWJjYWJj',
    pbkdf2!.replace('$101$', '$99999999$'),
    argon2!.replace('m=256', 'm=9999999'),
    argon2!.replace('t=2', 't=999'),
    argon2!.replace('argon2id', 'argon2i'),
    blowfish!.replace('$04$', '$31$'),
    blowfish!.slice(0, -1),
    `$6$${'A'.repeat(2000)}$AAAA`,
  ];
  for (const text of table) assert.is(parseStoredPassword(text), undefined, text);
  assert.is(pbkdf2Password('sha256', 100, SALT, Buffer.alloc(4)), undefined, 'too short to mean anything');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseStoredPassword(text) === undefined));
});

let isInstalled = true;
try {
  execFileSync(TOOL, ['-h'], { stdio: 'ignore' });
} catch (error) {
  isInstalled = (error as NodeJS.ErrnoException).code !== 'ENOENT';
}
if (!isInstalled) console.log('skipped: mosquitto_passwd is not installed');
else {
  test('a file of mosquitto_passwd', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-mosquitto-passwd-'));
    const file = join(folder, 'users');
    execFileSync(TOOL, ['-b', '-c', file, 'anna', PASSWORD], { stdio: 'ignore' });
    execFileSync(TOOL, ['-b', file, 'otto', 'other'], { stdio: 'ignore' });
    const users = readUsersFile(file);
    rmSync(folder, { recursive: true });
    assert.equal([...users.keys()], ['anna', 'otto']);
    assert.ok(await verifyStored(bytes(PASSWORD), users.get('anna')!));
    assert.not(await verifyStored(bytes(PASSWORD), users.get('otto')!));
  });
}

test.run();
