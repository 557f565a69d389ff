/**
 * The accepting side against whatever may come over a connection: noise, damaged and shuffled conversations, frames that lie.
 * A real acceptor with pipes of memory, so that 100,000 connections fit into the time of a spec. Beside them one honest link
 * stands all the time; whatever happens to the others, it goes on.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Prng } from '../../src/base/prng.ts';
import { makeRef } from '../../src/runtime/ref.ts';
import { encodeFrame, FRAME, FRAME_HEADER_BYTES, writeHeader } from '../../src/wire/frame.ts';
import { WIRE_PROBE } from '../../src/wire/probe.ts';
import { batch, converse, type FakePipe, makeRig } from './acceptor-rig.ts';

const test = suite('listener fuzz');

const CASES = 100_000;
const SEED = 20_240_117;

test(`${CASES} bad connections end alone, each with a code`, () => {
  const rig = makeRig();
  const prng = new Prng(SEED);
  const under = (max: number): number => Math.floor(prng.next() * max);
  const pool = Buffer.from(Array.from({ length: 50_000 }, () => under(256)));
  const noise = (max: number): Buffer => {
    const start = under(pool.length - max);
    return pool.subarray(start, start + under(max));
  };

  const honest = rig.accept();
  converse(honest, 1, 1);
  const good = batch(9, makeRef(1, 1, 0, 3), Buffer.from('good'));
  const donor = rig.accept();
  const conversation = converse(donor, 3, 1);
  donor.events!.onClosed('done');

  const tricks: readonly ((pipe: FakePipe, n: number) => void)[] = [
    // Noise from the first byte on.
    (pipe) => push(pipe, noise(120)),
    // A preamble, then noise as frames.
    (pipe) => {
      push(pipe, conversation[0]!.subarray(0, 8));
      push(pipe, noise(80));
    },
    // A real hello with a byte changed.
    (pipe) => {
      const hello = Buffer.from(conversation[0]!);
      hello[under(hello.length)] = under(256);
      if (under(2) === 0) writeHeader(hello, 8, FRAME.hello, 0, 0, hello.length - 8 - FRAME_HEADER_BYTES);
      push(pipe, hello);
    },
    // A frame of any type, with a right checksum, where a hello belongs.
    (pipe) => {
      push(pipe, conversation[0]!.subarray(0, 8));
      push(pipe, encodeFrame(under(256), noise(60)));
    },
    // A hello that was used before, in pieces.
    (pipe) => {
      for (const part of conversation) {
        const cut = under(part.length);
        push(pipe, part.subarray(0, cut));
        push(pipe, part.subarray(cut));
      }
    },
    // A header that lies about its size.
    (pipe) => {
      push(pipe, conversation[0]!.subarray(0, 8));
      const frame = encodeFrame(FRAME.hello, noise(20));
      frame.writeUInt32LE(0x10000 + under(2 ** 31), 0);
      push(pipe, frame);
    },
    // A node that proves itself and then sends a batch with bytes changed, checksum made right again.
    (pipe, n) => {
      converse(pipe, 4 + (n % 50), n + 1);
      const frame = batch(8, makeRef(4 + (n % 50), 1, 0, 3), noise(40));
      for (let i = under(4); i >= 0; i--) frame[under(frame.length)] = under(256);
      const length = frame.length - FRAME_HEADER_BYTES;
      const count = frame.readUInt16LE(6);
      if (under(2) === 0) writeHeader(frame, 0, frame[4]!, frame[5]!, count, length);
      push(pipe, frame);
    },
    // … or a batch in somebody else's name.
    (pipe, n) => {
      converse(pipe, 4 + (n % 50), n + 1);
      push(pipe, batch(7, makeRef(1, 1, 0, 3), noise(10)));
    },
  ];

  let sent = 0;
  for (let n = 0; n < CASES; n++) {
    const pipe = rig.accept();
    // Those that prove themselves first cost the most: one in sixteen.
    tricks[n % 16 === 15 ? 6 + ((n >> 4) & 1) : n % 6]!(pipe, n);
    if (!pipe.isClosed) pipe.events!.onClosed('done');
    if (n % 1000 !== 0) continue;
    honest.events!.onBytes(good, 0, good.length);
    sent++;
  }
  assert.is(honest.isClosed, false);
  assert.is(rig.arrived.filter(({ from }) => from === 1).length, sent);
  assert.ok(
    rig.arrived.every(({ kind, from }) => from !== 1 || kind === 9),
    "a message in another node's name arrived",
  );
  const { slot } = WIRE_PROBE;
  assert.is(rig.slots[slot.pipesIn], 1);
  assert.is(rig.slots[slot.refusedHandshake]! + rig.slots[slot.refusedFrame]!, rig.refusals.length);
  assert.ok(rig.refusals.length > CASES / 2);
  const codes = new Set<string>(rig.refusals.map(({ code }) => code));
  for (const code of ['MAGIC', 'CRC', 'OVERSIZE', 'KIND', 'FRAME', 'SCHEMA', 'CLUSTER', 'NODE', 'REPLAYED', 'VERSION']) {
    assert.ok(codes.has(`SLUICE_WIRE_${code}`), `no connection ended with ${code}; seed ${SEED}`);
  }
});

function push(pipe: FakePipe, bytes: Buffer): void {
  if (!pipe.isClosed) pipe.events!.onBytes(bytes, 0, bytes.length);
}

test('a flood of connections that say nothing is bounded', () => {
  const rig = makeRig();
  const pipes = Array.from({ length: 400 }, () => rig.accept());
  assert.is(pipes.filter(({ isClosed }) => !isClosed).length, 256);
  assert.is(rig.slots[WIRE_PROBE.slot.pipesIn], 256);
});

test.run();
