import { X509Certificate } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isSignedBy } from '../../src/wire/certificate-chain.ts';
import { nodeKeys, strangerKeys } from './keys/read-keys.ts';

const test = suite('certificate chain');

const NOW = Date.parse(new X509Certificate(nodeKeys().cert).validFrom) + 1000;

function der(pem: string): Uint8Array {
  return new X509Certificate(pem).raw;
}

test('a leaf of the authority is good, with the authority in the chain or without', () => {
  const { cert, ca } = nodeKeys();
  assert.is(isSignedBy([der(cert)], ca, NOW), true);
  assert.is(isSignedBy([der(cert), der(ca)], ca, NOW), true);
  assert.is(isSignedBy([der(cert)], `${strangerKeys().cert}\n${ca}`, NOW), true);
});

test('nothing else is', () => {
  const { cert, ca } = nodeKeys();
  const stranger = strangerKeys();
  assert.is(isSignedBy([], ca, NOW), false);
  assert.is(isSignedBy([der(stranger.cert)], ca, NOW), false);
  assert.is(isSignedBy([der(stranger.cert), der(ca)], ca, NOW), false);
  assert.is(isSignedBy([der(cert)], stranger.cert, NOW), false);
  assert.is(isSignedBy([der(cert)], '', NOW), false);
  assert.is(isSignedBy([Uint8Array.of(1, 2, 3)], ca, NOW), false);
  assert.is(isSignedBy([der(cert)], ca, NOW + 200 * 365 * 86_400_000), false, 'an expired certificate');
  assert.is(isSignedBy([der(cert)], ca, NOW - 86_400_000), false, 'one of the future');
});

test('what a node has signed is not a node: only an authority signs', () => {
  const { cert } = nodeKeys();
  assert.is(isSignedBy([der(cert)], cert, NOW), false);
});

test.run();
