import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { alternativeNames, distinguishedName, usernameOf } from '../../../src/actors/listener/tls-identity.ts';

const test = suite('TLS identity');

const CERTIFICATE = {
  commonName: 'device-7',
  subject: 'CN=device-7,O=Plant,C=DE',
  issuer: 'CN=ca',
  alternativeNames: ['URI:urn:device:7', 'DNS:seven.example'],
  serialNumber: '07',
  fingerprint: 'AA:BB',
};

test('the subject in one line, the narrowest part first', () => {
  assert.is(distinguishedName('C=DE\nO=Plant\nCN=device-7'), 'CN=device-7,O=Plant,C=DE');
  assert.is(distinguishedName('CN=alone'), 'CN=alone');
});

test('alternative names as Node writes them', () => {
  assert.equal(alternativeNames(''), []);
  assert.equal(alternativeNames('DNS:a.example, DNS:*.b.example, IP Address:10.0.0.1, URI:urn:x:1, email:a@b'), [
    'DNS:a.example',
    'DNS:*.b.example',
    'IP:10.0.0.1',
    'URI:urn:x:1',
    'email:a@b',
  ]);
  assert.equal(
    alternativeNames('DNS:"a, DNS:admin.example", DNS:b'),
    ['DNS:a, DNS:admin.example', 'DNS:b'],
    'no name is smuggled in',
  );
});

test('the user name is what the listener asks for', () => {
  assert.is(usernameOf(CERTIFICATE, 'none'), '');
  assert.is(usernameOf(CERTIFICATE, 'cn'), 'device-7');
  assert.is(usernameOf(CERTIFICATE, 'dn'), 'CN=device-7,O=Plant,C=DE');
  assert.is(usernameOf(CERTIFICATE, 'san'), 'urn:device:7');
  assert.is(usernameOf({ ...CERTIFICATE, alternativeNames: [] }, 'san'), '');
});

test.run();
