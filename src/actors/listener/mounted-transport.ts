/** The connection of a client with a mount point: between its session and its transport, topics get and lose their prefix (see wire/mqtt/mount.ts). */
import { Mount } from '../../wire/mqtt/mount.ts';
import { MountReader } from '../../wire/mqtt/mount-reader.ts';
import { MountWriter } from '../../wire/mqtt/mount-writer.ts';
import type { TlsIdentity } from '../session/connection.ts';
import { IO_DATA, type IoTarget, type ReadView, type Transport } from '../session/transport.ts';

export class MountedTransport implements Transport, IoTarget {
  readonly #below: Transport;
  readonly #reader: MountReader;
  readonly #writer: MountWriter;
  #target: IoTarget | null = null;

  constructor(below: Transport, mountpoint: string, packetBytesMax: number) {
    const mount = new Mount(mountpoint);
    this.#below = below;
    this.#reader = new MountReader(mount, packetBytesMax);
    this.#writer = new MountWriter(mount);
  }

  open(target: IoTarget): void {
    this.#target = target;
    this.#below.open(this);
  }

  get remoteAddress(): string {
    return this.#below.remoteAddress;
  }

  get tls(): TlsIdentity | undefined {
    return this.#below.tls;
  }

  get pendingBytes(): number {
    return this.#below.pendingBytes;
  }

  write(bytes: Uint8Array): boolean {
    return this.#below.write(this.#writer.write(bytes));
  }

  pause(): void {
    this.#below.pause();
  }

  resume(): void {
    this.#below.resume();
  }

  end(): void {
    this.#target = null;
    this.#below.end();
  }

  /** From the transport below. */
  io(event: number, argument: unknown): void {
    if (event !== IO_DATA) {
      this.#target?.io(event, argument);
      return;
    }
    const { bytes, start, end } = argument as ReadView;
    const packets = this.#reader.read(bytes, start, end);
    if (packets.length > 0) this.#target?.io(IO_DATA, { bytes: packets, start: 0, end: packets.length } satisfies ReadView);
  }
}
