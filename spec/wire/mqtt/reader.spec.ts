import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PacketReader } from '../../../src/wire/mqtt/reader.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import { reasonOf } from './arbitraries.ts';

const test = suite('packet reader');

test('reads each kind of field, big-endian', () => {
  const bytes = [7, 1, 2, 0xff, 0xff, 0xff, 0xfe, 0x80, 0x01, 0, 2, 0xc3, 0xbc, 0, 1, 0xff];
  const reader = new PacketReader(Uint8Array.from(bytes), 0, bytes.length);
  assert.is(reader.byte('b'), 7);
  assert.is(reader.u16('u16'), 258);
  assert.is(reader.u32('u32'), 0xffff_fffe);
  assert.is(reader.varint('v'), 128);
  assert.is(reader.string('s'), 'ü');
  assert.equal([...reader.binary('d')], [0xff]);
  reader.expectEnd('packet');
});

test('keeps a byte order mark [MQTT-1.5.4-3]', () => {
  const bytes = Uint8Array.of(0, 4, 0xef, 0xbb, 0xbf, 0x61);
  assert.is(new PacketReader(bytes, 0, 6).string('s'), '\ufeffa');
});

test('reads from a view into a larger buffer', () => {
  const view = Uint8Array.of(9, 9, 9, 0, 1, 0x61, 9).subarray(2);
  assert.is(new PacketReader(view, 1, 4).string('s'), 'a');
});

test('never reads at or past its end', () => {
  const bytes = Uint8Array.of(0, 1, 0x61, 0, 1, 0x61);
  for (const [end, read] of [
    [0, (r: PacketReader) => r.byte('x')],
    [1, (r: PacketReader) => r.u16('x')],
    [3, (r: PacketReader) => r.u32('x')],
    [0, (r: PacketReader) => r.varint('x')],
    [1, (r: PacketReader) => r.string('x')],
    [2, (r: PacketReader) => r.string('x')],
    [2, (r: PacketReader) => r.binary('x')],
    [3, (r: PacketReader) => r.skip(4, 'x')],
    [3, (r: PacketReader) => r.part(4, 'x')],
    [3, (r: PacketReader) => r.part(2, 'x').string('x')],
    [3, (r: PacketReader) => r.expectEnd('x')],
  ] as const) {
    assert.is(
      reasonOf(() => read(new PacketReader(bytes, 0, end))),
      Reason.MALFORMED_PACKET,
      String(read),
    );
  }
});

test('binary data is a copy', () => {
  const bytes = Buffer.from([0, 1, 5]);
  const data = new PacketReader(bytes, 0, 3).binary('d');
  bytes.fill(0);
  assert.equal([...data], [5]);
});

test.run();
