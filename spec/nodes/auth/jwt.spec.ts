import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../../src/base/errors.ts';
import { keySet } from '../../../src/nodes/auth/key-set.ts';
import type { Decision } from '../../../src/nodes/auth/link.ts';
import { JwtLink } from '../../../src/nodes/auth/links/jwt.ts';
import { defaultConfig } from '../../../src/nodes/config/load.ts';
import type { Config } from '../../../src/nodes/config/schema.ts';

const test = suite('link jwt');

const SECRET = 'a secret of at least thirty-two bytes';
const folder = mkdtempSync(join(tmpdir(), 'sluice-jwt-'));
test.after(() => rmSync(folder, { recursive: true }));

type Settings = Config['backend']['jwt'];
const link = (some: Partial<Settings>): JwtLink => new JwtLink({ ...defaultConfig().backend.jwt, ...some }, 1000);
const signed = (claims: JWTPayload, alg: string, key: Parameters<SignJWT['sign']>[0], kid?: string): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key);
const shared = (claims: JWTPayload): Promise<string> => signed(claims, 'HS256', Buffer.from(SECRET));
const ask = (of: JwtLink, token: string, username = 'anna', clientId = 'c1'): Promise<Decision> =>
  of.authenticate({
    clientId,
    username,
    password: Buffer.from(token),
    connection: { remoteAddress: '127.0.0.1:1', listener: 'default', authChain: '', mountpoint: '' },
  });
const seconds = (): number => Math.floor(Date.now() / 1000);

test('a token of the shared secret is good until it expires, and its end goes along', async () => {
  const jwt = link({ secret: SECRET });
  const exp = seconds() + 100;
  assert.equal(await ask(jwt, await shared({ exp })), { verdict: 'allow', grant: { expiresAt: exp * 1000 } });
  assert.is((await ask(jwt, await shared({ exp: seconds() - 5 }))).verdict, 'deny');
  assert.is((await ask(jwt, await shared({ nbf: seconds() + 100 }))).verdict, 'deny');
  assert.is((await ask(link({ secret: SECRET, leeway_s: 60 }), await shared({ exp: seconds() - 5 }))).verdict, 'allow');
  const inBase64 = link({ secret: `base64:${Buffer.from(SECRET).toString('base64')}` });
  assert.is((await ask(inBase64, await shared({}))).verdict, 'allow');
});

test('what is no token is passed on; one that was signed otherwise, or not at all, is denied', async () => {
  const jwt = link({ secret: SECRET });
  for (const text of ['', 'hunter2', 'a.b', 'a b.c.d']) assert.is((await ask(jwt, text)).verdict, 'ignore', text);
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [header, payload, signature] = (await shared({ sub: 'anna' })).split('.') as [string, string, string];
  const table = [
    `${encoded({ alg: 'none' })}.${payload}.`,
    `${header}.${encoded({ sub: 'otto' })}.${signature}`,
    `${header}.${payload}.${signature.slice(1)}A`,
    await signed({}, 'HS256', Buffer.from(`${SECRET}!`)),
    await signed({}, 'HS384', Buffer.from(SECRET)),
    'aaaa.bbbb.cccc',
  ];
  const strict = link({ secret: SECRET, algorithms: ['HS256'] });
  for (const token of table) assert.is((await ask(strict, token)).verdict, 'deny', token);
});

test('public keys: RS256 and ES256, and a public key is never taken for a shared secret', async () => {
  for (const alg of ['RS256', 'ES256']) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const pem = await exportSPKI(publicKey);
    const file = join(folder, `${alg}.pem`);
    writeFileSync(file, pem);
    const jwt = link({ public_key_file: file });
    assert.is((await ask(jwt, await signed({}, alg, privateKey))).verdict, 'allow', alg);
    assert.is((await ask(jwt, await signed({}, 'HS256', Buffer.from(pem)))).verdict, 'deny', `${alg} as a secret`);
    const other = await generateKeyPair(alg);
    assert.is((await ask(jwt, await signed({}, alg, other.privateKey))).verdict, 'deny', `another ${alg} key`);
  }
});

test('claims must be what the configuration says of this client', async () => {
  const jwt = link({ secret: SECRET, claims: ['sub=%u', 'device=%c', 'iss=https://id.example/a=b', 'aud=mqtt'] });
  const good = { sub: 'anna', device: 'c1', iss: 'https://id.example/a=b', aud: ['other', 'mqtt'] };
  assert.is((await ask(jwt, await shared(good))).verdict, 'allow');
  for (const bad of [
    { sub: 'otto' },
    { device: 'c2' },
    { iss: 'x' },
    { aud: 'other' },
    { device: undefined },
    { sub: { anna: 1 } },
  ])
    assert.is((await ask(jwt, await shared({ ...good, ...bad } as JWTPayload))).verdict, 'deny', JSON.stringify(bad));
});

test('user name, groups and rules come from claims; what is not understood is denied', async () => {
  const jwt = link({ secret: SECRET, username_claim: 'sub' });
  const rules = [{ permission: 'allow', action: 'publish', topics: ['a/%c'] }];
  assert.equal(await ask(jwt, await shared({ sub: 'otto', groups: ['staff'], acl: rules })), {
    verdict: 'allow',
    grant: { username: 'otto', groups: ['staff'], rules },
  });
  const short = await ask(jwt, await shared({ sub: 'otto', acl: { pub: ['a/#'], sub: [], all: ['b'] } }));
  assert.equal(short.verdict === 'allow' && short.grant.rules, [
    { permission: 'allow', action: 'publish', topics: ['a/#'] },
    { permission: 'allow', action: 'all', topics: ['b'] },
    { permission: 'deny', action: 'all' },
  ]);
  for (const claims of [
    {},
    { sub: '' },
    { sub: 5 },
    { sub: 'x', acl: 'everything' },
    { sub: 'x', acl: { publish: ['#'] } },
    { sub: 'x', acl: [{}] },
  ])
    assert.is((await ask(jwt, await shared(claims as JWTPayload))).verdict, 'deny', JSON.stringify(claims));
  const token = await shared({});
  const inName = link({ secret: SECRET, from: 'username' });
  assert.is((await ask(inName, 'nothing', token)).verdict, 'allow');
});

class KeyServer {
  asked = 0;
  status = 200;
  body = '{"keys":[]}';
  hangs = false;
  readonly #server: Server = createServer((_request, response) => {
    this.asked++;
    if (!this.hangs) response.writeHead(this.status, { 'Content-Type': 'application/json' }).end(this.body);
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

test('a key set from a URL is kept, and read again for a key that is new', async () => {
  const server = new KeyServer();
  const url = await server.start();
  const pairs = await Promise.all(
    ['one', 'two'].map(async (kid) => ({ kid, ...(await generateKeyPair('ES256', { extractable: true })) })),
  );
  const jwks = await Promise.all(
    pairs.map(async ({ kid, publicKey }) => ({ ...(await exportJWK(publicKey)), kid, alg: 'ES256' })),
  );
  const token = (i: number): Promise<string> => signed({}, 'ES256', pairs[i]!.privateKey, pairs[i]!.kid);
  server.body = JSON.stringify({ keys: [jwks[0]] });
  // A cooldown as long as the cache: the shortest that the settings allow.
  const jwt = link({ jwks: url, jwks_refresh_s: 0 });
  assert.is((await ask(jwt, await token(0))).verdict, 'allow');
  assert.is((await ask(jwt, await token(1))).verdict, 'deny');
  server.body = JSON.stringify({ keys: [jwks[1]] });
  assert.is((await ask(jwt, await token(1))).verdict, 'allow', 'rotated');
  assert.is((await ask(jwt, await token(0))).verdict, 'deny', 'the old key is gone');

  const kept = link({ jwks: url, jwks_refresh_s: 300 });
  await ask(kept, await token(1));
  const asked = server.asked;
  for (let i = 0; i < 10; i++) await ask(kept, await token(1));
  for (let i = 0; i < 10; i++) await ask(kept, await token(0));
  assert.is(server.asked, asked, 'keys are kept, and made-up names cause no flood');
  server.stop();
});

test('a key server that is gone, hangs or talks nonsense is a failure, not a no', async () => {
  const server = new KeyServer();
  const url = await server.start();
  const { privateKey } = await generateKeyPair('ES256');
  const token = await signed({}, 'ES256', privateKey, 'k');
  const failsWith = async (jwks: string): Promise<string> => {
    const jwt = new JwtLink({ ...defaultConfig().backend.jwt, jwks }, 50);
    return ask(jwt, token).then(
      ({ verdict }) => verdict,
      (error: Error) => error.message,
    );
  };
  server.body = 'not JSON';
  assert.is(await failsWith(url), 'its key set cannot be had');
  server.body = '{"nokeys":1}';
  assert.is(await failsWith(url), 'its key set cannot be had');
  server.status = 500;
  assert.is(await failsWith(url), 'its key set cannot be had');
  server.hangs = true;
  assert.is(await failsWith(url), 'its key set cannot be had');
  server.stop();
  assert.is(await failsWith(url), 'its key set cannot be had');
});

test('a key set from a file is read again for a key that is new, once per cooldown', async () => {
  const file = join(folder, 'jwks.json');
  const pair = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256' };
  writeFileSync(file, '{"keys":[]}');
  let now = 0;
  const keys = keySet(file, 1000, 1000, () => now);
  const header = { alg: 'ES256', kid: 'k' };
  const found = (): Promise<boolean> =>
    Promise.resolve(keys(header, { payload: '', signature: '' })).then(
      () => true,
      () => false,
    );
  assert.not(await found());
  writeFileSync(file, JSON.stringify({ keys: [jwk] }));
  assert.not(await found(), 'within the cooldown');
  now = 10_000;
  assert.ok(await found());
});

test('keys that cannot be used are said at the start', () => {
  const codeOf = (some: Partial<Settings>): string => {
    try {
      link(some);
    } catch (error) {
      return (error as SluiceError).code;
    }
    return '';
  };
  writeFileSync(join(folder, 'bad.pem'), 'no key');
  for (const some of [
    {},
    { secret: SECRET, jwks: 'x' },
    { public_key_file: join(folder, 'bad.pem') },
    { public_key_file: '/nonexistent' },
    { jwks: '/nonexistent' },
    { secret: SECRET, algorithms: ['RS256' as const] },
  ]) {
    assert.is(codeOf(some), 'SLUICE_AUTH_JWT_KEY', JSON.stringify(some));
  }
});

test.run();
