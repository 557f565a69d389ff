import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PROXY_HEADER_BYTES_MAX } from '../../../src/base/limits.ts';
import { readProxyHeader } from '../../../src/wire/proxy/proxy-header.ts';
import { proxyV2 } from './proxy-v2.ts';

const test = suite('PROXY header');

const line = (text: string): Buffer => Buffer.from(text, 'latin1');

function source(bytes: Uint8Array): string | undefined {
  const header = readProxyHeader(bytes);
  assert.is(header.state, 'whole', JSON.stringify(header));
  if (header.state !== 'whole') throw new Error('not whole');
  assert.is(header.bytes, bytes.length);
  return header.source;
}

test('version 1 names the client', () => {
  assert.is(source(line('PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n')), '192.0.2.7:56324');
  assert.is(source(line('PROXY TCP6 2001:db8::7 ::1 56324 1883\r\n')), '[2001:db8::7]:56324');
  assert.is(source(line('PROXY UNKNOWN\r\n')), undefined);
  assert.is(source(line('PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n')), undefined);
});

test('version 2 names the client, whatever TLVs follow', () => {
  const addresses = Uint8Array.of(192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x07, 0x5b);
  assert.is(source(proxyV2({ family: 0x11, body: addresses })), '192.0.2.7:56324');
  assert.is(source(proxyV2({ family: 0x11, body: Buffer.concat([addresses, Buffer.alloc(400, 3)]) })), '192.0.2.7:56324');
  const six = Buffer.alloc(36);
  six.set([0x20, 0x01, 0x0d, 0xb8]);
  six[15] = 7;
  six.writeUInt16BE(443, 32);
  assert.is(source(proxyV2({ family: 0x21, body: six })), '[2001:db8::7]:443');
  assert.is(source(proxyV2({ family: 0x31, body: Buffer.alloc(216) })), 'unix');
  assert.is(source(proxyV2({ family: 0, body: Buffer.alloc(0) })), undefined);
  assert.is(source(proxyV2({ command: 0, family: 0x11, body: addresses })), undefined, 'LOCAL');
  assert.is(source(proxyV2({ command: 0, family: 0, body: Buffer.alloc(0) })), undefined, 'LOCAL');
});

test('what is malformed is refused as soon as it shows', () => {
  const table: [why: string, bytes: Uint8Array][] = [
    ['MQTT', Uint8Array.of(0x10, 12, 0, 4)],
    ['TLS', Uint8Array.of(0x16, 3, 1)],
    ['no such family', line('PROXY TCP5 192.0.2.7 198.51.100.1 56324 1883\r\n')],
    ['an address that is none', line('PROXY TCP4 192.0.2.256 198.51.100.1 56324 1883\r\n')],
    ['addresses of the other family', line('PROXY TCP4 2001:db8::7 ::1 56324 1883\r\n')],
    ['a port that is none', line('PROXY TCP4 192.0.2.7 198.51.100.1 65536 1883\r\n')],
    ['a port with zeros in front', line('PROXY TCP4 192.0.2.7 198.51.100.1 01883 1883\r\n')],
    ['a field too few', line('PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n')],
    ['two spaces', line('PROXY TCP4  192.0.2.7 198.51.100.1 56324 1883\r\n')],
    ['lower case', line('proxy TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n')],
    ['a line without end', line(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
    ['version 3', proxyV2({ version: 3, family: 0x11, body: Buffer.alloc(12) })],
    ['no such command', proxyV2({ command: 2, family: 0x11, body: Buffer.alloc(12) })],
    ['no such address family', proxyV2({ family: 0x41, body: Buffer.alloc(12) })],
    ['addresses that are cut', proxyV2({ family: 0x11, body: Buffer.alloc(11) })],
    ['IPv6 addresses that are cut', proxyV2({ family: 0x21, body: Buffer.alloc(35) })],
    ['too long', proxyV2({ family: 0x11, body: Buffer.alloc(PROXY_HEADER_BYTES_MAX) }).subarray(0, 16)],
  ];
  for (const [why, bytes] of table) assert.is(readProxyHeader(bytes).state, 'malformed', why);
});

test('a header that is cut anywhere is partial, and bytes behind it are none of its business', () => {
  const headers = [
    line('PROXY TCP6 2001:db8::7 ::1 56324 1883\r\n'),
    line('PROXY UNKNOWN\r\n'),
    proxyV2({ family: 0x11, body: Buffer.alloc(50, 1) }),
  ];
  for (const header of headers) {
    for (let length = 0; length < header.length; length++) {
      assert.is(readProxyHeader(header.subarray(0, length)).state, 'partial', `${length} of ${header.length} bytes`);
    }
    const followed = readProxyHeader(Buffer.concat([header, Uint8Array.of(0x10, 0, 1)]));
    assert.is(followed.state === 'whole' && followed.bytes, header.length);
  }
});

test('any bytes get an answer, and a whole header is never longer than they are', () => {
  const start = fc.constantFrom(
    line('PROXY '),
    line('PROXY TCP4 '),
    proxyV2({ family: 0x11, body: Buffer.alloc(0) }),
    Buffer.alloc(0),
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
      const bytes = Buffer.concat([head, rest]);
      const header = readProxyHeader(bytes);
      if (header.state === 'whole') assert.ok(header.bytes <= bytes.length);
    }),
  );
});

test.run();
