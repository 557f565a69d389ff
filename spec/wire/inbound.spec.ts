import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WIRE_WINDOW_BYTES } from '../../src/base/limits.ts';
import { RECORD } from '../../src/runtime/envelope.ts';
import { makeRef } from '../../src/runtime/ref.ts';
import { CLASS } from '../../src/wire/classes.ts';
import { encodeFrame, FRAME, PREAMBLE_BYTES } from '../../src/wire/frame.ts';
import { WIRE_PROBE } from '../../src/wire/probe.ts';
import { batch, converse, type FakePipe, makeRig } from './acceptor-rig.ts';

const test = suite('inbound');

const SOURCE = makeRef(1, 1, 0, 3);
const BIG = Buffer.alloc(1 << 20);
const { slot } = WIRE_PROBE;

function push(pipe: FakePipe, bytes: Buffer): void {
  pipe.events!.onBytes(bytes, 0, bytes.length);
}

/** Types of the frames that the acceptor has written since the handshake. */
function answers(pipe: FakePipe): number[] {
  const frames = pipe.written.filter(({ length }) => length > PREAMBLE_BYTES);
  return frames.map((bytes) => bytes[4]!).filter((type) => type < FRAME.hello);
}

test('what finds no room waits in order, and is handed on once there is some', () => {
  const rig = makeRig();
  const pipe = rig.accept();
  converse(pipe, 1, 1);
  rig.hasRoom = false;
  for (const kind of [1, 2, 3]) push(pipe, batch(kind, SOURCE, Buffer.from('x')));
  assert.equal(rig.arrived, []);
  assert.is(rig.slots[slot.heldFrames], 3);
  rig.makeRoom();
  assert.equal(
    rig.arrived.map(({ kind }) => kind),
    [1, 2, 3],
  );
  assert.is(rig.slots[slot.heldFrames], 0);
  push(pipe, batch(4, SOURCE, Buffer.from('x')));
  assert.is(rig.arrived.at(-1)!.kind, 4);
});

test('credit is given back for what was handed on, and for nothing else', () => {
  const rig = makeRig();
  const pipe = rig.accept();
  converse(pipe, 1, 1);
  const frames = Math.ceil(WIRE_WINDOW_BYTES[CLASS.data]! / 4 / BIG.length);
  rig.hasRoom = false;
  for (let n = 0; n < frames; n++) push(pipe, batch(1, SOURCE, BIG));
  rig.acceptor.flush();
  assert.equal(answers(pipe), []);
  rig.makeRoom();
  rig.acceptor.flush();
  assert.equal(answers(pipe), [FRAME.credit]);
});

test('a sender that does not wait for credit is cut off before it fills the memory', () => {
  const rig = makeRig();
  const pipe = rig.accept();
  converse(pipe, 1, 1);
  rig.hasRoom = false;
  let sent = 0;
  while (!pipe.isClosed && sent < 100) {
    push(pipe, batch(1, SOURCE, BIG));
    sent++;
  }
  assert.is(rig.refusals.at(-1)?.code, 'SLUICE_WIRE_CREDIT');
  assert.ok(sent * BIG.length <= WIRE_WINDOW_BYTES[CLASS.data]! + 2 * BIG.length);
  assert.is(rig.slots[slot.heldFrames], 0);
  rig.makeRoom();
  assert.equal(rig.arrived, []);
});

test('a ping is answered with its own words', () => {
  const rig = makeRig();
  const pipe = rig.accept();
  converse(pipe, 1, 1);
  push(pipe, encodeFrame(FRAME.ping, Buffer.from('8 bytes.')));
  const pong = pipe.written.at(-1)!;
  assert.is(pong[4], FRAME.pong);
  assert.is(pong.subarray(12).toString(), '8 bytes.');
});

test('a node that is stopping is no refusal', () => {
  const rig = makeRig();
  const pipe = rig.accept();
  converse(pipe, 1, 1);
  push(
    pipe,
    encodeFrame(FRAME.goodbye, Buffer.concat([Buffer.from([38]), Buffer.from('SLUICE_WIRE_STOPPED'), Buffer.from([0])])),
  );
  assert.is(pipe.isClosed, true);
  assert.equal(rig.refusals, []);
  assert.is(rig.slots[slot.refusedFrame], 0);
});

test('a thread speaks for itself, and for others of its node when it says that something is not there', () => {
  const [other, foreign] = [makeRef(1, 2, 0, 3), makeRef(3, 1, 0, 3)];
  const isTaken = (type: number, source: number): boolean => {
    const rig = makeRig();
    const pipe = rig.accept();
    converse(pipe, 1, 1, 1, type === RECORD.bytes ? 1 : 0);
    push(pipe, batch(0, source, new Uint8Array(0), type));
    assert.is(pipe.isClosed, rig.arrived.length === 0);
    return rig.arrived.length === 1;
  };
  for (const type of [RECORD.terminated, RECORD.failure]) {
    assert.equal(
      [SOURCE, other, foreign].map((source) => isTaken(type, source)),
      [true, true, false],
      `type ${type}`,
    );
  }
  for (const type of [RECORD.bytes, RECORD.watch, RECORD.unwatch]) {
    assert.equal(
      [SOURCE, other, foreign].map((source) => isTaken(type, source)),
      [true, false, false],
      `type ${type}`,
    );
  }
});

test.run();
