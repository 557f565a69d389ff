/**
 * One connected client as its session sees it: the connection, what was settled at CONNECT, and what is true only as long as it lasts.
 */
import { MQTT_PACKET_BYTES_MAX } from '../../base/limits.ts';
import type { Dialect } from '../../wire/mqtt/constants.ts';
import type { Topic } from '../router/topic-table.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { OutboundAliases } from './outbound-aliases.ts';
import { type FlushList, Output } from './output.ts';
import type { WriterTarget } from './publish-writer.ts';
import type { Receipts } from './receipts.ts';
import type { Remainder } from './remainder.ts';
import type { Transport } from './transport.ts';

export class Client implements WriterTarget {
  readonly transport: Transport;
  readonly output: Output;
  /** What the last read left of a packet; null when it ended with one. */
  remainder: Remainder | null = null;
  dialect: Dialect = 0;
  packetBytesMax: number = MQTT_PACKET_BYTES_MAX;
  /** It wants to be told reasons in words [MQTT-3.1.2-29]. */
  wantsReasons = false;
  aliasesOut: OutboundAliases | null = null;
  keepAliveMs = 0;
  /** When the last bytes came, on the thread's clock. */
  lastReadAt = 0;
  /** Topic of the last PUBLISH: devices repeat themselves. */
  lastTopic: Topic | null = null;
  /** Topics by alias, as the client has set them on this connection. */
  aliases: Map<number, Topic> | null = null;
  /** Reasons not to read: a pressure source, an answer that is awaited. Reading goes on when there are none. */
  holds = 0;
  /** Acknowledgements that wait for the disk; null when none do. */
  receipts: Receipts | null = null;
  /** The connection is over; what is written to it leads nowhere. */
  isClosed = false;

  constructor(transport: Transport, pool: BufferPool, flushList: FlushList) {
    this.transport = transport;
    this.output = new Output(transport, pool, flushList);
  }

  hold(): void {
    if (this.holds++ === 0) this.transport.pause();
  }

  /** True when that was the last hold. */
  unhold(): boolean {
    if (--this.holds > 0) return false;
    this.transport.resume();
    return true;
  }
}
