/**
 * The accepting side against whatever may come over a connection: noise, damaged and shuffled conversations, frames that lie.
 * A real acceptor with pipes of memory, so that 100,000 connections fit into the time of a spec. Beside them one honest link
 * stands all the time; whatever happens to the others, it goes on.
 */
import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../src/base/errors.ts';
import { Prng } from '../../src/base/prng.ts';
import { allocateSlots } from '../../src/base/probe.ts';
import { RECORD } from '../../src/runtime/envelope.ts';
import { type ActorRef, makeRef, nodeOf } from '../../src/runtime/ref.ts';
import type { RemoteNodes } from '../../src/runtime/remote-nodes.ts';
import { WireAcceptor } from '../../src/wire/acceptor.ts';
import { MESSAGE_HEADER_BYTES, writeMessage } from '../../src/wire/batch.ts';
import { CLASS } from '../../src/wire/classes.ts';
import { encodeFrame, FRAME, FRAME_HEADER_BYTES, writeHeader } from '../../src/wire/frame.ts';
import { FrameReader } from '../../src/wire/frame-reader.ts';
import { Dialler, type Identity } from '../../src/wire/handshake.ts';
import { MessageSchemas } from '../../src/wire/message-schemas.ts';
import { WIRE_PROBE } from '../../src/wire/probe.ts';
import { SegmentPool } from '../../src/wire/segment-pool.ts';
import { TcpTransport } from '../../src/wire/tcp-transport.ts';
import type { Pipe, PipeEvents, Transport } from '../../src/wire/transport.ts';
import type { WireParts } from '../../src/wire/wire-parts.ts';

const test = suite('listener fuzz');

const CASES = 100_000;
const SEED = 20_240_117;

/** The other end of an accepted connection. */
class FakePipe implements Pipe {
  readonly pendingBytes = 0;
  readonly remoteAddress = 'fuzz';
  events: PipeEvents | undefined;
  readonly written: Buffer[] = [];
  isClosed = false;

  open(events: PipeEvents): void {
    this.events = events;
  }
  write(bytes: Uint8Array, sent: () => void): void {
    this.written.push(Buffer.from(bytes));
    sent();
  }
  cork(): void {}
  uncork(): void {}
  end(): void {
    this.isClosed = true;
  }
  destroy(): void {
    this.isClosed = true;
  }
}

interface Rig {
  readonly acceptor: WireAcceptor;
  readonly slots: Float64Array;
  readonly refusals: SluiceError[];
  /** What reached an actor: kind, and the node that is said to have sent it. */
  readonly arrived: { readonly kind: number; readonly from: number }[];
  accept(): FakePipe;
}

function makeRig(): Rig {
  const slots = new Float64Array(allocateSlots());
  const refusals: SluiceError[] = [];
  const arrived: { kind: number; from: number }[] = [];
  let onPipe: (pipe: Pipe) => void = () => {};
  const transport: Transport = {
    lanes: new TcpTransport().lanes,
    dial: () => [],
    listen: async (_at, accept) => {
      onPipe = accept;
      return { port: 1, close: () => {} };
    },
  };
  const remote = {
    arrive: (_type: number, kind: number, _target: ActorRef, source: ActorRef) => {
      arrived.push({ kind, from: nodeOf(source) });
      return true;
    },
    arriveMessage: () => true,
    undecodable: () => {},
    inboundLost: () => {},
  } as unknown as RemoteNodes;
  const nothing = (): void => {};
  const parts: WireParts = {
    thread: 1,
    identity: identity(2),
    transport,
    remote,
    pool: new SegmentPool(),
    slots,
    now: () => 0,
    random: () => 0.5,
    nextEpoch: () => 1,
    requestTurn: nothing,
    markDirty: nothing,
    nextTurn: nothing,
    whenThreadWritable: nothing,
    onPeerUp: nothing,
    onPeerDown: nothing,
    onDialledBy: nothing,
    onRefused: (_address, _node, error) => refusals.push(error),
  };
  const acceptor = new WireAcceptor(parts);
  void acceptor.listen({ host: '', port: 0 });
  const accept = (): FakePipe => {
    const pipe = new FakePipe();
    onPipe(pipe);
    return pipe;
  };
  return { acceptor, slots, refusals, arrived, accept };
}

const schemas = new MessageSchemas();

function identity(node: number): Identity {
  return { cluster: 'c', node, incarnation: 5, roles: [], address: '', secret: '', schemas, randomBytes };
}

/** What an honest node sends up to its proof; `answer` gives it the acceptor's words. */
function converse(pipe: FakePipe, node: number, epoch: number, thread = 1): Buffer[] {
  const dialler = new Dialler(identity(node), { target: 2, thread, epoch, lane: 1, gap: false });
  const sent: Buffer[] = [];
  const say = (bytes: Buffer): void => {
    if (bytes.length === 0) return;
    sent.push(bytes);
    pipe.events!.onBytes(bytes, 0, bytes.length);
  };
  const reader = new FrameReader({
    onPreamble: (range) => dialler.onPreamble(range),
    judge: () => {},
    onFrame: (type, _flags, _count, bytes, start, end) => {
      if (type === FRAME.challenge || type === FRAME.welcome) say(dialler.onFrame(type, bytes, start, end).send);
    },
  });
  say(dialler.start());
  for (let taken = 0; taken < pipe.written.length; taken++) reader.push(pipe.written[taken]!, 0, pipe.written[taken]!.length);
  return sent;
}

function batch(kind: number, source: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + MESSAGE_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const target = makeRef(2, 1, 0, 20);
  const end = writeMessage(bytes, view, FRAME_HEADER_BYTES, RECORD.bytes, kind, target, source, 0, payload, 0, payload.length);
  writeHeader(bytes, 0, FRAME.batch, CLASS.data, 1, end - FRAME_HEADER_BYTES);
  return bytes;
}

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
