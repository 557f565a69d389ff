import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Remainder } from '../../../src/actors/session/remainder.ts';
import type { ReadView } from '../../../src/actors/session/transport.ts';
import { frameLength } from '../../../src/wire/mqtt/frame.ts';
import { concat, publish } from './packets.ts';

const test = suite('remainder');

const READ_BYTES = 64;

/** Reads `stream` in pieces as a session does, through one buffer with `headroom`, and returns the packets found. */
function readInPieces(stream: Uint8Array, pieces: readonly number[], headroom: number): string[] {
  const shared = new Uint8Array(headroom + READ_BYTES);
  const remainder = new Remainder();
  const packets: string[] = [];
  for (let at = 0, i = 0; at < stream.length; i++) {
    const piece = stream.subarray(at, at + Math.min(pieces[i % pieces.length]!, READ_BYTES));
    at += piece.length;
    shared.fill(0xee); // the reads of other connections went through here
    shared.set(piece, headroom);
    const view: ReadView = { bytes: shared, start: headroom, end: headroom + piece.length };
    remainder.join(view);
    let position = view.start;
    for (;;) {
      const length = frameLength(view.bytes, position, view.end);
      if (length <= 0 || position + length > view.end) break;
      packets.push(Buffer.from(view.bytes.subarray(position, position + length)).toString('hex'));
      position += length;
    }
    remainder.keep(view, position);
    assert.is(remainder.length, view.end - position);
  }
  assert.is(remainder.length, 0);
  return packets;
}

const packet = fc
  .oneof(
    { weight: 5, arbitrary: fc.nat({ max: 40 }) },
    { weight: 2, arbitrary: fc.nat({ max: 400 }) },
    { weight: 1, arbitrary: fc.nat({ max: 20_000 }) },
  )
  .chain((length) => fc.nat({ max: 255 }).map((fill) => publish(0, new Uint8Array(length).fill(fill))));

test('however a stream is cut, the packets are those of the uncut stream', () => {
  fc.assert(
    fc.property(
      fc.array(packet, { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: READ_BYTES }), { minLength: 1, maxLength: 20 }),
      fc.constantFrom(0, 1, 16, 64, 100),
      (packets, pieces, headroom) => {
        const expected = packets.map((bytes) => Buffer.from(bytes).toString('hex'));
        assert.equal(readInPieces(concat(...packets), pieces, headroom), expected);
      },
    ),
  );
});

test('one byte at a time', () => {
  const packets = [3, 300, 5, 120, 64, 0].map((length) => publish(0, 'x'.repeat(length)));
  const expected = packets.map((bytes) => Buffer.from(bytes).toString('hex'));
  for (const headroom of [0, 1, 63, 64, 65, 1000]) assert.equal(readInPieces(concat(...packets), [1], headroom), expected);
});

test('goes on with what is kept when nothing new has come', () => {
  const bytes = publish(0, 'whole');
  const remainder = new Remainder();
  remainder.keep({ bytes, start: 0, end: bytes.length }, 0);
  bytes.fill(0);
  const view: ReadView = { bytes: new Uint8Array(0), start: 0, end: 0 };
  remainder.join(view);
  assert.equal(view.bytes.subarray(view.start, view.end), publish(0, 'whole'));
  remainder.keep(view, view.start);
  assert.is(remainder.length, bytes.length, 'and again');
});

test('takes memory for what has come, not for what a packet promises', () => {
  const remainder = new Remainder();
  const head = Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f);
  remainder.keep({ bytes: head, start: 0, end: head.length }, 0);
  const view: ReadView = { bytes: new Uint8Array(1000), start: 0, end: 1000 };
  remainder.join(view);
  assert.is(view.end - view.start, 1005);
  assert.ok(view.bytes.length <= 2010);
});

test.run();
