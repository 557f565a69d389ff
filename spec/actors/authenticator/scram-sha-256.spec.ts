import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuthStep } from '../../../src/actors/authenticator/enhanced.ts';
import { parseScramCredential, ScramSha256 } from '../../../src/actors/authenticator/scram-sha-256.ts';
import { parseScramUsers, scramCredentialOf, scramLine } from '../../../src/nodes/auth/scram-file.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';

const test = suite('SCRAM-SHA-256');

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const users = parseScramUsers('users', `${scramLine('user', 'pencil', SALT, 4096)}\n${scramLine('a=b,c', 'x', SALT, 1)}\n`);
const scram = new ScramSha256({
  lookup: (name, then) => then(scramCredentialOf(users, name)),
  nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  secret: Buffer.from('secret'),
});

function converse(...said: (string | undefined)[]): string[] {
  const exchange = scram.start();
  return said.map((message) => {
    let answer!: AuthStep;
    exchange.continue(message === undefined ? undefined : Buffer.from(message), (step) => {
      answer = step;
    });
    if (answer.kind === 'failure') return `failure ${answer.reason.toString(16)}`;
    return `${answer.kind} ${answer.kind === 'success' ? `${answer.username} ` : ''}${Buffer.from(answer.data!).toString()}`;
  });
}

const FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO';
const NONCE = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const FINAL = `c=biws,r=${NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;

test('the example of RFC 7677', () => {
  assert.equal(converse(FIRST, FINAL), [
    `challenge r=${NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    'success user v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  ]);
  assert.is(converse(undefined, FIRST, FINAL)[2]!.slice(0, 12), 'success user', 'data only after an empty challenge');
});

test('names with commas and equals signs', () => {
  assert.ok(converse('n,,n=a=3Db=2Cc,r=x')[0]!.startsWith('challenge r=x'));
  assert.ok(converse('n,,n=a=3Db=2Cc,r=x')[0]!.endsWith(',i=1'), 'found by its plain name');
  assert.equal(converse('n,,n=a=b,r=x'), ['failure 82']);
});

test('whatever does not fit fails', () => {
  const wrong = [
    FINAL.replace('c=biws', 'c=eSws'),
    FINAL.replace(NONCE, NONCE.slice(0, -1)),
    FINAL.replace('dHzb', 'aHzb'),
    `c=biws,r=${NONCE},p=AAAA`,
  ];
  for (const final of wrong) assert.is(converse(FIRST, final)[1], `failure ${Reason.NOT_AUTHORIZED.toString(16)}`, final);
  for (const first of [
    '',
    'p=tls-unique,,n=user,r=x',
    'n,,r=x',
    'n,,n=,r=x',
    'n,,n=user,r=',
    'n,,n=user',
    `n,,n=${'x'.repeat(5000)},r=x`,
  ]) {
    assert.is(converse('x', first)[0], 'failure 82');
    if (first !== '') assert.is(converse(first)[0], 'failure 82', first.slice(0, 20));
  }
  assert.is(converse(FIRST, 'nonsense')[1], 'failure 82');
  assert.is(converse(FIRST.replace('user', 'nobody'), FINAL)[1], 'failure 87');
});

test('stored credentials', () => {
  assert.is(parseScramCredential('SCRAM-SHA-256$0:AA==$AA==:AA=='), undefined);
  assert.is(parseScramCredential('$scrypt$ln=1'), undefined);
  for (const [text, line] of [
    ['user', 1],
    ['# ok\nuser:SCRAM-SHA-256$x', 2],
    [`${scramLine('u', 'p')}\n\n${scramLine('u', 'p')}`, 3],
  ] as const) {
    assert.throws(() => parseScramUsers('f', text), new RegExp(`line ${line}`));
  }
});

test.run();
