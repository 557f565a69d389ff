// What a client may send is written by `ws`, which is not ours.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as ws from 'ws';
import { CLOSE, FrameError, FrameReader, OPCODE, type Stretch } from '../../../src/wire/websocket/frame-reader.ts';

const test = suite('frame reader');

interface SenderOptions {
  readonly fin: boolean;
  readonly opcode: number;
  readonly mask: boolean;
  readonly readOnly: boolean;
  readonly rsv1?: boolean;
}
const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: SenderOptions): Buffer[] } };

function frame(opcode: number, payload: Uint8Array, options: { fin?: boolean; mask?: boolean; rsv1?: boolean } = {}): Buffer {
  const { fin = true, mask = true, rsv1 = false } = options;
  return Buffer.concat(Sender.frame(Buffer.from(payload), { fin, opcode, mask, readOnly: true, rsv1 }));
}

/** A connection that is read in pieces, each at the place where a reactor's buffer would have it. */
class Peer {
  readonly pings: Buffer[] = [];
  readonly closes: number[] = [];
  readonly reader: FrameReader;
  /** One read comes where the last one was, as in a reactor. */
  readonly #memory = Buffer.alloc(300_000);
  #got: Buffer[] = [];

  constructor() {
    this.reader = new FrameReader({
      ping: (payload) => this.pings.push(Buffer.from(payload)),
      close: (code) => this.closes.push(code),
    });
  }

  read(piece: Uint8Array): void {
    const headroom = 32;
    const bytes = this.#memory.subarray(0, headroom + piece.length);
    bytes.set(piece, headroom);
    const stretch: Stretch = { bytes, start: headroom, end: bytes.length };
    this.reader.read(stretch);
    this.#got.push(Buffer.from(bytes.subarray(stretch.start, stretch.end)));
  }

  get payload(): Buffer {
    return Buffer.concat(this.#got);
  }
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

function closeCodeOf(bytes: Uint8Array): number {
  try {
    new Peer().read(bytes);
  } catch (error) {
    if (error instanceof FrameError) return error.closeCode;
    throw error;
  }
  return 0;
}

test('messages in any number of frames, with pings between, read in any pieces, are the bytes that were sent', () => {
  const fragment = fc.uint8Array({ maxLength: 400 });
  const message = fc.record({
    fragments: fc.array(fragment, { minLength: 1, maxLength: 4 }),
    ping: fc.option(fc.uint8Array({ maxLength: 125 })),
  });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
      (messages, sizes) => {
        const frames: Buffer[] = [];
        for (const { fragments, ping } of messages) {
          for (const [i, payload] of fragments.entries()) {
            frames.push(frame(i === 0 ? OPCODE.binary : OPCODE.continuation, payload, { fin: i === fragments.length - 1 }));
            if (i === 0 && ping !== null) frames.push(frame(OPCODE.ping, ping));
          }
        }
        const peer = new Peer();
        for (const piece of cut(Buffer.concat(frames), sizes)) peer.read(piece);
        const sent = messages.flatMap(({ fragments }) => fragments);
        assert.ok(peer.payload.equals(Buffer.concat(sent)));
        const pings = messages.flatMap(({ ping }) => (ping === null ? [] : [Buffer.from(ping)]));
        assert.equal(peer.pings, pings);
      },
    ),
  );
});

test('every form of length', () => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]) {
    const payload = Buffer.alloc(length, 0).map((_, i) => i * 7);
    const whole = new Peer();
    whole.read(frame(OPCODE.binary, payload));
    assert.ok(whole.payload.equals(payload), `${length} in one read`);
    const pieces = new Peer();
    for (const piece of cut(frame(OPCODE.binary, payload), [1, 2, 65_536])) pieces.read(piece);
    assert.ok(pieces.payload.equals(payload), `${length} in pieces`);
  }
});

test('a length that nobody could send costs nothing until it comes', () => {
  const header = Uint8Array.of(0x82, 0xff, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5);
  const peer = new Peer();
  peer.read(header);
  assert.is(peer.payload.length, 1);
  assert.is(closeCodeOf(Uint8Array.of(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4)), CLOSE.tooBig);
});

test('what RFC 6455 forbids closes the connection with its code', () => {
  const some = Buffer.from('some');
  const table: [why: string, bytes: Uint8Array, code: number][] = [
    ['text [MQTT-6.0.0-1]', frame(OPCODE.text, some), CLOSE.unsupportedData],
    ['no mask', frame(OPCODE.binary, some, { mask: false }), CLOSE.protocolError],
    ['a reserved bit', frame(OPCODE.binary, some, { rsv1: true }), CLOSE.protocolError],
    ['a reserved data opcode', frame(3, some), CLOSE.protocolError],
    ['a reserved control opcode', frame(11, some), CLOSE.protocolError],
    ['a continuation of nothing', frame(OPCODE.continuation, some), CLOSE.protocolError],
    ['a message within a message', Buffer.concat([frame(2, some, { fin: false }), frame(2, some)]), CLOSE.protocolError],
    ['a fragmented ping', frame(OPCODE.ping, some, { fin: false }), CLOSE.protocolError],
    ['a long ping', frame(OPCODE.ping, Buffer.alloc(126)), CLOSE.protocolError],
    ['a close code that is cut', frame(OPCODE.close, Uint8Array.of(3)), CLOSE.protocolError],
    ['a close code that nobody may send', frame(OPCODE.close, Uint8Array.of(3, 0xed)), CLOSE.protocolError],
  ];
  for (const [why, bytes, code] of table) assert.is(closeCodeOf(bytes), code, why);
});

test('a close is told with its code, what was before it is not lost, and nothing after it counts', () => {
  const peer = new Peer();
  const close = frame(OPCODE.close, Uint8Array.of(1000 >> 8, 1000 & 255));
  peer.read(Buffer.concat([frame(2, Buffer.from('before')), close, frame(2, Buffer.from('after'))]));
  assert.equal(peer.closes, [1000]);
  assert.is(peer.payload.toString(), 'before');
  const wordless = new Peer();
  wordless.read(frame(OPCODE.close, new Uint8Array(0)));
  assert.equal(wordless.closes, [1005]);
});

test('any bytes are read or refused, and never more come out than went in', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (bytes, size) => {
      const peer = new Peer();
      try {
        for (const piece of cut(Buffer.from(bytes), [size])) peer.read(piece);
      } catch (error) {
        assert.instance(error, FrameError);
      }
      assert.ok(peer.payload.length <= bytes.length);
    }),
  );
});

test.run();
