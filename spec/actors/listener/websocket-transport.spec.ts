// What the peer gets is read back by `ws`, which is not ours.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as ws from 'ws';
import { WebSocketTransport } from '../../../src/actors/listener/websocket-transport.ts';
import { IO_CLOSED, IO_DATA, IO_DRAINED, type ReadView } from '../../../src/actors/session/transport.ts';
import { FakeTransport } from '../session/fake-transport.ts';

const test = suite('WebSocket transport');
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** As in the read buffer of a reactor. */
const HEADROOM = 32;

interface SenderOptions {
  readonly fin: boolean;
  readonly opcode: number;
  readonly mask: boolean;
  readonly readOnly: boolean;
}
const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: SenderOptions): Buffer[] } };

function frame(opcode: number, payload: Uint8Array, fin = true): Buffer {
  return Buffer.concat(Sender.frame(Buffer.from(payload), { fin, opcode, mask: true, readOnly: true }));
}

/** A session's side of the connection. */
class Rig {
  readonly below = new FakeTransport();
  readonly transport: WebSocketTransport = new WebSocketTransport(this.below);
  readonly events: number[] = [];
  #read: Buffer[] = [];

  constructor() {
    this.transport.open({
      io: (event, argument) => {
        this.events.push(event);
        if (event !== IO_DATA) return;
        const { bytes, start, end } = argument as ReadView;
        this.#read.push(Buffer.from(bytes.subarray(start, end)));
      },
    });
  }

  feed(bytes: Uint8Array): void {
    this.below.feed(bytes, HEADROOM);
  }

  get read(): string {
    return Buffer.concat(this.#read).toString('latin1');
  }

  /** Opcode and payload of each frame that the peer has. */
  frames(): [opcode: number, payload: Buffer][] {
    const bytes = this.below.takeReceived();
    const found: [number, Buffer][] = [];
    for (let at = 0; at < bytes.length; ) {
      const opcode = bytes[at]! & 15;
      assert.is(bytes[at]! & 0xf0, 0x80, 'whole messages without extensions');
      const short = bytes[at + 1]!;
      assert.ok(short < 128, 'a server does not mask');
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      found.push([opcode, bytes.subarray(at + header, at + header + length)]);
      at += header + length;
    }
    return found;
  }
}

test('each write is one frame, whatever its length', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(300), fc.nat(70_000)), { minLength: 1, maxLength: 5 }), (sizes) => {
      const rig = new Rig();
      const sent = sizes.map((size, i) => Buffer.alloc(size, i + 1));
      for (const bytes of sent) assert.ok(rig.transport.write(bytes));
      assert.equal(
        rig.frames(),
        sent.map((bytes) => [BINARY, bytes]),
      );
    }),
    { numRuns: 50 },
  );
});

test('what the peer does not take is kept as it was written', () => {
  const rig = new Rig();
  rig.below.blocked = true;
  const scratch = Buffer.from('first');
  assert.not.ok(rig.transport.write(scratch));
  assert.not.ok(rig.transport.write(Buffer.from('second')));
  assert.is(rig.transport.pendingBytes, 2 + 5 + 2 + 6);
  rig.below.drain();
  assert.equal(
    rig.frames().map(([, payload]) => payload.toString()),
    ['first', 'second'],
  );
  assert.equal(rig.events, [IO_DRAINED]);
});

test('frames cut at any byte give the session their payload, and nothing of what is not there yet', () => {
  const payload = Buffer.from(Array.from({ length: 300 }, (_, i) => i & 255));
  const bytes = Buffer.concat([
    frame(BINARY, payload.subarray(0, 200), false),
    frame(PING, Buffer.from('?')),
    frame(0, payload.subarray(200)),
  ]);
  for (let at = 0; at <= bytes.length; at++) {
    const rig = new Rig();
    if (at > 0) rig.feed(bytes.subarray(0, at));
    assert.ok(payload.toString('latin1').startsWith(rig.read), `cut at ${at}`);
    if (at < bytes.length) rig.feed(bytes.subarray(at));
    assert.is(rig.read, payload.toString('latin1'), `cut at ${at}`);
    assert.equal(rig.frames(), [[PONG, Buffer.from('?')]]);
  }
  const slow = new Rig();
  for (const byte of bytes) slow.feed(Uint8Array.of(byte));
  assert.is(slow.read, payload.toString('latin1'), 'byte by byte');
});

test('pings are answered as long as the answers are read', () => {
  const rig = new Rig();
  rig.below.blocked = true;
  for (let i = 0; i < 200; i++) rig.feed(frame(PING, Buffer.alloc(125)));
  assert.ok(rig.transport.pendingBytes < 5000, `${rig.transport.pendingBytes} bytes wait`);
  rig.below.drain();
  rig.frames();
  rig.feed(frame(PING, Buffer.from('again')));
  assert.equal(rig.frames(), [[PONG, Buffer.from('again')]]);
});

test('what is forbidden ends the connection once, with its code, after what came before it', () => {
  const table: [bytes: Buffer, code: number][] = [
    [frame(TEXT, Buffer.from('text')), 1003],
    [Buffer.from([0x82, 1, 65]), 1002], // not masked
    [Buffer.from([0xc2, 0x81, 0, 0, 0, 0, 65]), 1002], // an extension
    [frame(0, Buffer.from('x')), 1002], // continues nothing
    [frame(PING, Buffer.alloc(0), false), 1002], // a control frame in pieces
  ];
  for (const [bytes, code] of table) {
    const rig = new Rig();
    rig.feed(frame(BINARY, Buffer.from('before')));
    rig.feed(bytes);
    assert.is(rig.read, 'before');
    const [last] = rig.frames().slice(-1);
    assert.is(last![0], CLOSE);
    assert.is(last![1].readUInt16BE(0), code, bytes.toString('hex'));
    assert.equal(rig.events, [IO_DATA, IO_CLOSED]);
    rig.transport.write(Buffer.from('late'));
    assert.equal(rig.frames(), [], 'nothing follows a close');
  }
});

test('a close is answered in kind and once', () => {
  const rig = new Rig();
  rig.feed(Buffer.concat([frame(BINARY, Buffer.from('last words')), frame(CLOSE, Buffer.from([3, 232]))]));
  assert.is(rig.read, 'last words');
  assert.equal(rig.events, [IO_DATA, IO_CLOSED]);
  rig.transport.end();
  assert.ok(rig.below.ended);
  assert.equal(
    rig.frames().map(([opcode]) => opcode),
    [CLOSE],
  );
});

test('a session that ends says so', () => {
  const rig = new Rig();
  rig.transport.write(Buffer.from('bye'));
  rig.transport.end();
  assert.equal(
    rig.frames().map(([opcode]) => opcode),
    [BINARY, CLOSE],
  );
  assert.ok(rig.below.ended);
});

test.run();
