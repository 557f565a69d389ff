import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConnectionInfo } from '../../../src/actors/session/connection.ts';
import { PROBE_SLOTS } from '../../../src/base/probe.ts';
import { type ChainPolicy, type ChainSupport, runChain } from '../../../src/nodes/auth/chain.ts';
import { asksForAuthentication, chainPlan, makeChains, usersFiles } from '../../../src/nodes/auth/chains.ts';
import { ALLOW, type AuthLink, DENY, type Decision, IGNORE, type LinkName, OVERLOADED } from '../../../src/nodes/auth/link.ts';
import { AnonymousLink, DenyLink, TlsLink } from '../../../src/nodes/auth/links/identity.ts';
import type { PasswordPool } from '../../../src/nodes/auth/password-pool.ts';
import { AUTH_PROBE } from '../../../src/nodes/auth/probe.ts';
import { loadConfig } from '../../../src/nodes/config/load.ts';
import type { Config } from '../../../src/nodes/config/schema.ts';
import { BackEndError, describeFailure, FailureLog } from '../../../src/nodes/security/failure-log.ts';

const test = suite('authentication chain');

const CONNECTION: ConnectionInfo = { remoteAddress: '127.0.0.1:1', listener: 'default', authChain: '', mountpoint: '' };
const CREDENTIALS = { clientId: 'c', username: 'anna', password: Buffer.from('hunter2'), connection: CONNECTION };
const STRICT: ChainPolicy = { denyOnFailure: true, timeoutMs: 20 };
const LENIENT: ChainPolicy = { denyOnFailure: false, timeoutMs: 20 };

type Behaviour = Decision | 'throws' | 'hangs';

class Bench {
  readonly asked: string[] = [];
  readonly failures: string[] = [];
  readonly aborted: string[] = [];
  wasted = 0;
  readonly slots = new Float64Array(PROBE_SLOTS);

  link(name: LinkName, behaviour: Behaviour): AuthLink {
    return {
      name,
      authenticate: (_credentials, signal) => {
        this.asked.push(name);
        signal().addEventListener('abort', () => this.aborted.push(name));
        if (behaviour === 'throws') return Promise.reject(new Error('connect to anna:hunter2@db failed'));
        if (behaviour === 'hangs') return new Promise(() => {});
        return Promise.resolve(behaviour);
      },
    };
  }

  run(policy: ChainPolicy, ...links: readonly AuthLink[]): ReturnType<typeof runChain> {
    const verifyNobody = (): Promise<'wrong'> => {
      this.wasted++;
      return Promise.resolve('wrong');
    };
    const support: ChainSupport = {
      pool: { verifyNobody } as unknown as PasswordPool,
      slots: this.slots,
      userChanges: 3,
      onFailure: (link, error) => this.failures.push(`${link}: ${describeFailure(error)}`),
    };
    return runChain(links, CREDENTIALS, policy, support);
  }

  count(metric: keyof typeof AUTH_PROBE.slot): number {
    return this.slots[AUTH_PROBE.slot[metric]]!;
  }
}

test('what passwords alone have decided may be remembered, as of the change of users that it was decided after', async () => {
  const bench = new Bench();
  const memorable = async (...links: readonly AuthLink[]): Promise<number | undefined> =>
    (await bench.run(STRICT, ...links)).memorable;
  assert.is(await memorable(bench.link('file', ALLOW)), 3);
  assert.is(await memorable(bench.link('anonymous', IGNORE), bench.link('file', IGNORE), bench.link('builtin', ALLOW)), 3);
  assert.is(await memorable(bench.link('http', IGNORE), bench.link('file', ALLOW)), undefined, 'it may deny the next one');
  assert.is(
    await memorable(bench.link('tls', IGNORE), bench.link('file', ALLOW)),
    undefined,
    'another one may have a certificate',
  );
  assert.is(await memorable(bench.link('file', DENY)), undefined);
  for (const name of ['jwt', 'http', 'redis', 'mysql', 'postgresql', 'tls'] as const)
    assert.is(await memorable(bench.link(name, ALLOW)), undefined);
});

test('the first link that knows decides, and those behind it are not asked', async () => {
  const table: [Behaviour, { ok: boolean }][] = [
    [ALLOW, { ok: true }],
    [DENY, { ok: false }],
    [OVERLOADED, { ok: false, overloaded: true } as { ok: boolean }],
  ];
  for (const [behaviour, reply] of table) {
    const bench = new Bench();
    const links = [bench.link('jwt', IGNORE), bench.link('file', behaviour), bench.link('http', ALLOW)];
    assert.equal(await bench.run(STRICT, ...links), reply);
    assert.equal(bench.asked, ['jwt', 'file']);
    assert.is(bench.count('jwt.ignore'), 1);
    assert.is(bench.count('http.allow'), 0);
  }
});

test('what a link says of the client goes along', async () => {
  const bench = new Bench();
  const grant = { username: 'other', groups: ['staff'], superuser: true };
  assert.equal(await bench.run(STRICT, bench.link('http', { verdict: 'allow', grant })), { ok: true, ...grant });
});

test('who is known to nobody is refused, as slowly as somebody with a wrong password', async () => {
  const bench = new Bench();
  assert.equal(await bench.run(STRICT, bench.link('http', IGNORE)), { ok: false });
  assert.is(bench.wasted, 0);
  assert.equal(await bench.run(STRICT, bench.link('file', IGNORE), bench.link('http', IGNORE)), { ok: false });
  assert.is(bench.wasted, 1);
});

test('a link that fails or hangs: refused, or the next one is asked; counted and named without what was sent', async () => {
  for (const behaviour of ['throws', 'hangs'] as const) {
    const strict = new Bench();
    const reply = await strict.run(STRICT, strict.link('mysql', behaviour), strict.link('file', ALLOW));
    assert.equal(reply, { ok: false, unavailable: true });
    assert.equal(strict.asked, ['mysql']);
    assert.is(strict.count('mysql.failed'), 1);
    assert.equal(strict.failures, [behaviour === 'hangs' ? 'mysql: no answer within 20 ms' : 'mysql: Error']);
    assert.equal(strict.aborted, behaviour === 'hangs' ? ['mysql'] : [], 'who is late need not go on');

    const lenient = new Bench();
    assert.ok((await lenient.run(LENIENT, lenient.link('mysql', behaviour), lenient.link('file', ALLOW))).ok);
    assert.not((await lenient.run(LENIENT, lenient.link('mysql', behaviour))).ok, 'a failure is never a yes');
  }
});

test('the links tls and anonymous', async () => {
  const tls = { protocol: 'TLSv1.3', serverName: '', certificate: null, username: 'device' };
  const certificate = {
    commonName: 'd7',
    subject: 'CN=d7',
    issuer: 'CN=ca',
    alternativeNames: [],
    serialNumber: '1',
    fingerprint: '',
  };
  const shown = { ...CREDENTIALS, connection: { ...CONNECTION, tls: { ...tls, username: '', certificate } } };
  assert.equal(await new TlsLink().authenticate(shown), { verdict: 'allow', grant: { username: 'd7' } });
  assert.equal(await new TlsLink().authenticate(CREDENTIALS), IGNORE);
  assert.equal(await new AnonymousLink().authenticate(CREDENTIALS), IGNORE);
  assert.equal(await new AnonymousLink().authenticate({ clientId: 'c', connection: CONNECTION }), ALLOW);
});

const config = (...assignments: string[]): Config => loadConfig({ assignments, environment: {}, file: undefined }).config;

test('chains as the configuration names them', () => {
  assert.equal([...chainPlan(config())], [['', []]]);
  assert.equal(chainPlan(config('auth.users_file=u')).get(''), ['file']);
  const both = config('auth.chain=jwt,file', 'auth.chains=devices=tls+file,open=anonymous');
  assert.equal(
    [...chainPlan(both)],
    [
      ['', ['jwt', 'file']],
      ['devices', ['tls', 'file']],
      ['open', ['anonymous']],
    ],
  );
  assert.ok(asksForAuthentication(both));
  assert.ok(asksForAuthentication(both, 'devices'));
  assert.not(asksForAuthentication(both, 'open'), 'a chain that lets everybody in asks for nothing');
  assert.not(asksForAuthentication(config()));
  assert.throws(() => chainPlan(config('auth.chains=a=tls,a=file')), /the chain a is there twice/);
  for (const bad of ['auth.chain=ldap', 'auth.chain=file,file', 'auth.chains=a=ldap', 'auth.chains=a='])
    assert.throws(() => config(bad), /not allowed/, bad);
  const made: string[] = [];
  const { chains, links } = makeChains(chainPlan(both), usersFiles(both), (name) => {
    made.push(name);
    return new Bench().link(name, ALLOW);
  });
  assert.equal(made, ['jwt', 'file', 'tls', 'anonymous'], 'each link once');
  assert.is(links.length, 4);
  assert.is(chains.get('devices')![1], chains.get('')![1]);
});

test('a chain may have a users file of its own, and then its own link for it', () => {
  const own = config('auth.users_file=u', 'auth.chains=a=file,b=file,c=file', 'auth.users_files=a=x=y,b=u');
  const made: string[] = [];
  const { chains } = makeChains(chainPlan(own), usersFiles(own), (name, file) => {
    made.push(`${name} ${file}`);
    return new Bench().link(name, ALLOW);
  });
  assert.equal(made, ['file u', 'file x=y']);
  assert.is.not(chains.get('a')![0], chains.get('')![0]);
  for (const chain of ['b', 'c']) assert.is(chains.get(chain)![0], chains.get('')![0]);
});

test('a chain of deny lets nobody in, and asks', async () => {
  assert.ok(asksForAuthentication(config('auth.chain=deny')));
  assert.equal(await new Bench().run(STRICT, new DenyLink(), new Bench().link('file', ALLOW)), { ok: false });
});

test('the log of failures: the first at once, the others counted, and no word of a driver', () => {
  const lines: unknown[] = [];
  let now = 0;
  const log = new FailureLog({ warn: (fields: unknown) => lines.push(fields) } as never, () => now);
  log.report('mysql', new Error('password hunter2'));
  for (let i = 0; i < 1000; i++) log.report('mysql', Object.assign(new Error('hunter2'), { code: 'ECONNREFUSED' }));
  log.report('http', new BackEndError('answered 500'));
  now = 10_000;
  log.report('mysql', Object.assign(new Error('hunter2'), { code: 'ECONNREFUSED' }));
  assert.equal(lines, [
    { backEnd: 'mysql', failure: 'Error', suppressed: 0 },
    { backEnd: 'http', failure: 'answered 500', suppressed: 0 },
    { backEnd: 'mysql', failure: 'ECONNREFUSED', suppressed: 1000 },
  ]);
  assert.is(describeFailure({ code: 'hunter2 is no code' }), 'error');
});

test.run();
