/** An acceptor without sockets: pipes of memory, and actors that are a list. For the specs of the accepting side. */
import { randomBytes } from 'node:crypto';
import type { SluiceError } from '../../src/base/errors.ts';
import { allocateSlots } from '../../src/base/probe.ts';
import { RECORD } from '../../src/runtime/envelope.ts';
import { type ActorRef, makeRef, nodeOf } from '../../src/runtime/ref.ts';
import type { RemoteNodes } from '../../src/runtime/remote-nodes.ts';
import { WireAcceptor } from '../../src/wire/acceptor.ts';
import { MESSAGE_HEADER_BYTES, writeMessage } from '../../src/wire/batch.ts';
import { classOf } from '../../src/wire/classes.ts';
import { FRAME, FRAME_HEADER_BYTES, writeHeader } from '../../src/wire/frame.ts';
import { FrameReader } from '../../src/wire/frame-reader.ts';
import { Dialler, type Identity } from '../../src/wire/handshake.ts';
import { MessageSchemas } from '../../src/wire/message-schemas.ts';
import { SegmentPool } from '../../src/wire/segment-pool.ts';
import { TcpTransport } from '../../src/wire/tcp-transport.ts';
import type { Pipe, PipeEvents, Transport } from '../../src/wire/transport.ts';
import type { WireParts } from '../../src/wire/wire-parts.ts';

/** The other end of an accepted connection. */
export class FakePipe implements Pipe {
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

export interface Rig {
  readonly acceptor: WireAcceptor;
  readonly slots: Float64Array;
  readonly refusals: SluiceError[];
  /** What reached an actor: kind, and the node that is said to have sent it. */
  readonly arrived: { readonly kind: number; readonly from: number }[];
  accept(): FakePipe;
  /** Whether the threads of the node have room; those who wait for it are called by `makeRoom`. */
  hasRoom: boolean;
  makeRoom(): void;
}

export function makeRig(): Rig {
  const slots = new Float64Array(allocateSlots());
  const refusals: SluiceError[] = [];
  const arrived: { kind: number; from: number }[] = [];
  let onPipe: (pipe: Pipe) => void = () => {};
  const transport: Transport = {
    lanes: new TcpTransport().lanes,
    dial: () => [],
    listen: async (_at, accept) => {
      onPipe = accept;
      return { port: 1, close: async () => {} };
    },
  };
  const waiting: (() => void)[] = [];
  const remote = {
    arrive: (_type: number, kind: number, _target: ActorRef, source: ActorRef) => {
      if (rig.hasRoom) arrived.push({ kind, from: nodeOf(source) });
      return rig.hasRoom;
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
    whenThreadWritable: (_thread, then) => void waiting.push(then),
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
  const rig: Rig = {
    acceptor,
    slots,
    refusals,
    arrived,
    accept,
    hasRoom: true,
    makeRoom: () => {
      rig.hasRoom = true;
      for (const then of waiting.splice(0)) then();
    },
  };
  return rig;
}

const schemas = new MessageSchemas();

function identity(node: number): Identity {
  return { cluster: 'c', node, incarnation: 5, roles: [], address: '', secret: '', schemas, randomBytes };
}

/** What an honest node sends up to its proof; `answer` gives it the acceptor's words. */
export function converse(pipe: FakePipe, node: number, epoch: number, thread = 1, lane = 1): Buffer[] {
  const dialler = new Dialler(identity(node), { target: 2, thread, epoch, lane, gap: false });
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

export function batch(kind: number, source: number, payload: Uint8Array, type: number = RECORD.bytes): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + MESSAGE_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const target = makeRef(2, 1, 0, 20);
  const correlation = type === RECORD.failure ? 1 : 0;
  const { length } = payload;
  const end = writeMessage(bytes, view, FRAME_HEADER_BYTES, type, kind, target, source, correlation, payload, 0, length);
  writeHeader(bytes, 0, FRAME.batch, classOf(type, kind), 1, end - FRAME_HEADER_BYTES);
  return bytes;
}
