import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as ws from 'ws';
import { closeFrame, frameHeaderBytes, pongFrame, writeFrameHeader } from '../../../src/wire/websocket/frame-header.ts';
import { OPCODE } from '../../../src/wire/websocket/frame-reader.ts';

const test = suite('frame header');

const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };

test('headers are those that ws writes', () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 5_000_000]) {
    const expected = Sender.frame(Buffer.alloc(length), { fin: true, opcode: 2, mask: false, readOnly: true, rsv1: false })[0]!;
    const header = new Uint8Array(16);
    const end = writeFrameHeader(header, 3, OPCODE.binary, length);
    assert.is(end - 3, frameHeaderBytes(length));
    assert.equal([...header.subarray(3, end)], [...expected.subarray(0, end - 3)]);
  }
});

test('pong and close', () => {
  assert.equal([...pongFrame(Buffer.from('hi'))], [0x8a, 2, 104, 105]);
  assert.equal([...closeFrame(1002)], [0x88, 2, 0x03, 0xea]);
});

test.run();
