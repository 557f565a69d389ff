/** All connections from other nodes, on the thread that accepts them. */
import { SluiceError } from '../base/errors.ts';
import { WIRE_HANDSHAKES_MAX } from '../base/limits.ts';
import { Inbound, type InboundOwner } from './inbound.ts';
import { InboundTable } from './inbound-table.ts';
import { WIRE_PROBE } from './probe.ts';
import type { ListenAt, Pipe, WireListener } from './transport.ts';
import type { WireParts } from './wire-parts.ts';

export class WireAcceptor implements InboundOwner {
  readonly table: InboundTable;
  readonly #parts: WireParts;
  readonly #connections = new Set<Inbound>();
  readonly #dirty = new Set<Inbound>();
  #listener: WireListener | undefined;
  #isClosed = false;

  constructor(parts: WireParts) {
    this.#parts = parts;
    this.table = new InboundTable(parts.remote);
  }

  /** Resolves with the port. */
  async listen(at: ListenAt): Promise<number> {
    const listener = await this.#parts.transport.listen(at, (pipe) => this.#accept(pipe));
    if (this.#isClosed) void listener.close();
    this.#listener = listener;
    return listener.port;
  }

  #accept(pipe: Pipe): void {
    const connection = new Inbound(pipe, this.#parts, this);
    this.#connections.add(connection);
    this.#count();
    let handshaking = 0;
    for (const { isHandshaking } of this.#connections) if (isHandshaking) handshaking++;
    if (this.#isClosed || handshaking > WIRE_HANDSHAKES_MAX) {
      connection.end(new SluiceError('SLUICE_WIRE_BUSY', 'too many connections are in their handshake'));
    }
  }

  wantsFlush(connection: Inbound): void {
    this.#dirty.add(connection);
    this.#parts.requestTurn();
  }

  gone(connection: Inbound): void {
    this.#connections.delete(connection);
    this.#dirty.delete(connection);
    this.#count();
  }

  #count(): void {
    this.#parts.slots[WIRE_PROBE.slot.pipesIn] = this.#connections.size;
  }

  flush(): void {
    if (this.#dirty.size === 0) return;
    for (const connection of this.#dirty) connection.flush();
    this.#dirty.clear();
  }

  tick(now: number, lateMs: number): void {
    for (const connection of this.#connections) connection.tick(now, lateMs);
  }

  close(error: SluiceError): void {
    this.#isClosed = true;
    void this.#listener?.close();
    for (const connection of [...this.#connections]) connection.end(error);
  }
}
