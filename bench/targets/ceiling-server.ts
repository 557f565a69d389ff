/**
 * The yardstick for the generator: no broker, a relay. CONNECT and SUBSCRIBE get canned answers; whatever a publisher sends after
 * that goes to every subscriber as it came, in whole packets, and QoS 1 packets are acknowledged by slices of a table. No topic, no
 * session, no copy of a payload. A figure measured against it is what generator and kernel can do together; a broker's figure is
 * believable only when it is clearly below. Prints a ready line. Run as a process of its own.
 *
 *   chunk:  | headroom: the packet cut by the last read | bytes of this read … |      read straight into, written straight from
 */
import { createServer, Socket } from 'node:net';
import { AckRuns } from '../load/ack-runs.ts';
import { PUBACK } from '../load/packets.ts';

const CHUNK_BYTES = 256 * 1024;
/** Largest packet that can be relayed. */
const HEADROOM = 64 * 1024;
/** Bytes waiting for a subscriber at which publishers are not read any more. */
const BACKLOG_BYTES = 4 * 1024 * 1024;

const free: Buffer[] = [];
const subscribers = new Set<Socket>();
const publishers = new Set<Socket>();

interface Frame {
  readonly end: number;
  readonly body: number;
}

/** Fixed header of the frame at `pos`; undefined while incomplete. */
function frameAt(bytes: Buffer, pos: number, limit: number): Frame | undefined {
  let length = 0;
  for (let i = pos + 1; i < Math.min(pos + 5, limit); i++) {
    length |= ((bytes[i] as number) & 127) << (7 * (i - pos - 1));
    if ((bytes[i] as number) < 128) return i + 1 + length <= limit ? { end: i + 1 + length, body: i + 1 } : undefined;
  }
  return undefined;
}

class Peer {
  readonly socket: Socket;
  #chunk: Buffer = free.pop() ?? Buffer.allocUnsafeSlow(HEADROOM + CHUNK_BYTES);
  #carried = 0;
  #size = 0;
  #idAt = 0;
  readonly #acks: AckRuns;

  constructor(handle: unknown) {
    this.socket = new Socket({
      handle,
      onread: {
        // Called by the socket before it reads again, so each read lands behind the bytes kept from the last.
        buffer: () => this.#chunk.subarray(HEADROOM),
        callback: (length: number) => this.#onRead(length),
      },
    } as never);
    this.#acks = new AckRuns(PUBACK, (acks) => this.socket.write(acks));
    this.socket.setNoDelay(true);
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      subscribers.delete(this.socket);
      publishers.delete(this.socket);
    });
    this.socket.resume();
  }

  #onRead(length: number): boolean {
    const chunk = this.#chunk;
    let pos = HEADROOM - this.#carried;
    const limit = HEADROOM + length;
    while (pos < limit && (chunk[pos] as number) >> 4 !== 3) {
      const frame = frameAt(chunk, pos, limit);
      if (frame === undefined) break;
      this.#answer(chunk, pos, frame);
      pos = frame.end;
    }
    if (pos < limit && (chunk[pos] as number) >> 4 === 3) pos = this.#relay(chunk, pos, limit);
    const rest = limit - pos;
    if (rest > HEADROOM) throw new Error('a packet is larger than the relay can take');
    if (rest > 0) chunk.copy(this.#chunk, HEADROOM - rest, pos, limit);
    this.#carried = rest;
    return true;
  }

  #answer(chunk: Buffer, pos: number, frame: Frame): void {
    const type = (chunk[pos] as number) >> 4;
    if (type === 1) {
      const level = chunk[frame.body + 6];
      this.socket.write(Buffer.from(level === 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]));
    } else if (type === 8) {
      const qos = chunk[frame.end - 1] as number;
      subscribers.add(this.socket);
      // 5.0 has a property length between packet id and filter; a filter's length never starts with a byte other than 0 here.
      const v5 = chunk[frame.body + 2] === 0 && chunk[frame.body + 3] === 0;
      this.socket.write(Buffer.from(v5 ? [0x90, 4, 0, 1, 0, qos] : [0x90, 3, 0, 1, qos]));
    }
  }

  /** Passes on the whole packets in [pos, limit); returns where the cut one starts. */
  #relay(chunk: Buffer, pos: number, limit: number): number {
    if (this.#size === 0) this.#learn(chunk, pos, limit);
    if (this.#size === 0) return pos;
    const count = Math.floor((limit - pos) / this.#size);
    const end = pos + count * this.#size;
    if (count === 0) return pos;
    if (this.#idAt > 0) {
      for (let at = pos + this.#idAt; at < end; at += this.#size)
        this.#acks.add(((chunk[at] as number) << 8) | (chunk[at + 1] as number));
      this.#acks.flush();
    }
    this.#chunk = free.pop() ?? Buffer.allocUnsafeSlow(HEADROOM + CHUNK_BYTES);
    forward(chunk, pos, end);
    return end;
  }

  #learn(chunk: Buffer, pos: number, limit: number): void {
    const frame = frameAt(chunk, pos, limit);
    if (frame === undefined) return;
    publishers.add(this.socket);
    const qos = ((chunk[pos] as number) >> 1) & 3;
    if (qos === 2) throw new Error('the relay knows QoS 0 and 1 only');
    this.#size = frame.end - pos;
    this.#idAt = qos === 0 ? 0 : frame.body - pos + 2 + chunk.readUInt16BE(frame.body);
  }
}

function forward(chunk: Buffer, from: number, to: number): void {
  let open = subscribers.size;
  const bytes = chunk.subarray(from, to);
  let backlog = false;
  for (const subscriber of subscribers) {
    subscriber.write(bytes, () => {
      if (--open === 0) free.push(chunk);
      if (subscriber.writableLength < BACKLOG_BYTES) for (const publisher of publishers) publisher.resume();
    });
    if (subscriber.writableLength > BACKLOG_BYTES) backlog = true;
  }
  if (backlog) for (const publisher of publishers) publisher.pause();
  if (open === 0) free.push(chunk);
}

// The accepted handle is rebuilt into a socket that reads into memory of ours.
const server = createServer({ pauseOnConnect: true }, (accepted) => {
  const shell = accepted as unknown as { _handle: { reading: boolean } | null };
  const handle = shell._handle;
  shell._handle = null;
  new Peer(handle);
});
server.listen(0, '127.0.0.1', 4096, () => {
  const { port } = server.address() as { port: number };
  console.log(`READY ${JSON.stringify({ tcp: `127.0.0.1:${port}` })}`);
});
