/** The connection of a client of the crash tool: connects with a session that is to outlive it, cuts what comes into packets, and hears the broker out at its end. */
import { connect, type Socket } from 'node:net';
import { encodeConnect } from '../../src/wire/mqtt/client-encoder.ts';
import { DIALECT_3, DIALECT_5, type Dialect, type ProtocolLevel } from '../../src/wire/mqtt/constants.ts';
import { frameLength } from '../../src/wire/mqtt/frame.ts';

const SESSION_EXPIRY_SECONDS = 86_400;
const RECEIVE_MAXIMUM = 65_535;

export class PacketStream {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);

  /** `onRead` is called after the packets of each read. Failures are silent: the broker is being killed. */
  constructor(port: number, clientId: string, level: ProtocolLevel, onPacket: (packet: Buffer) => void, onRead: () => void) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('error', () => {});
    this.#socket.on('data', (chunk) => {
      this.#take(chunk, onPacket);
      onRead();
    });
    const session = level === 5 ? { sessionExpiry: SESSION_EXPIRY_SECONDS, receiveMaximum: RECEIVE_MAXIMUM } : {};
    this.write(encodeConnect({ level, clientId, cleanStart: false, keepAliveSeconds: 0, ...session }));
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Resolves when the broker is gone and all that it has said has been heard. */
  async over(): Promise<void> {
    if (!this.#socket.closed) await new Promise((resolve) => this.#socket.once('close', resolve));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer, onPacket: (packet: Buffer) => void): void {
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    let at = 0;
    while (at < bytes.length) {
      const length = frameLength(bytes, at, bytes.length);
      if (length <= 0 || at + length > bytes.length) break;
      onPacket(bytes.subarray(at, at + length));
      at += length;
    }
    this.#bytes = bytes.subarray(at);
  }
}

export function dialectOf(level: ProtocolLevel): Dialect {
  return level === 5 ? DIALECT_5 : DIALECT_3;
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP in its short form, by its first byte. */
export function shortAck(first: number, packetId: number): Uint8Array {
  return Uint8Array.of(first, 2, packetId >> 8, packetId & 0xff);
}
