/**
 * One connected client as its session sees it: the connection, what was settled at CONNECT, and what is true only as long as it lasts.
 *
 * It is its own output. A message on a connection that has long left the caches waits for each piece of memory that it touches, so what it touches of a
 * connection lies in one object, the fields in the order of how often they are read.
 */
import { MQTT_PACKET_BYTES_MAX, READ_TICK_MS } from '../../base/limits.ts';
import type { Dialect } from '../../wire/mqtt/constants.ts';
import type { Identity } from '../access/messages.ts';
import type { Rights } from '../access/rights.ts';
import { ALL_PUBLISHES } from '../access/rules.ts';
import type { PublishVerdict } from '../plugin/hooks.ts';
import type { Topic } from '../router/topic-table.ts';
import type { OutboundAliases } from './outbound-aliases.ts';
import { Output } from './output.ts';
import type { WriterTarget } from './publish-writer.ts';
import type { Receipts } from './receipts.ts';
import type { Remainder } from './remainder.ts';

export class Client extends Output implements WriterTarget {
  dialect: Dialect = 0;
  packetBytesMax: number = MQTT_PACKET_BYTES_MAX;
  aliasesOut: OutboundAliases | null = null;
  /** Topic of the last PUBLISH: devices repeat themselves. */
  lastTopic: Topic | null = null;
  /** Publishes to it that are allowed, as bits `1 << (qos << 1 | retain)`. */
  publishable: number = ALL_PUBLISHES;
  /** What the last read left of a packet; null when it ended with one. */
  remainder: Remainder | null = null;
  /** In which tick of READ_TICK_MS the last bytes came. A small integer, because a number with a fraction would be an object of its own. */
  lastReadTick = 0;
  keepAliveMs = 0;
  /** It wants to be told reasons in words [MQTT-3.1.2-29]. */
  wantsReasons = false;
  /** What the client may do; null: everything. */
  rights: Rights | null = null;
  /** Topics by alias, as the client has set them on this connection. */
  aliases: Map<number, Topic> | null = null;
  /** Who the client is; null until it has been let in. */
  identity: Identity | null = null;
  /** Topics that rewrite rules have made of its own; see intake/planner.ts. */
  rewrites: Map<Topic, Topic> | null = null;
  /** Reasons not to read: a pressure source, an answer that is awaited. Reading goes on when there are none. */
  holds = 0;
  /** Acknowledgements that wait for the disk; null when none do. */
  receipts: Receipts | null = null;
  /** What the plugin has said of the messages that are read next; null when nothing. */
  verdicts: PublishVerdict[] | null = null;
  /** It is a bridge of 3.x. */
  isBridge = false;
  /** As in CONNECT: 3, 4 or 5. */
  level = 0;
  /** Milliseconds since the epoch. */
  connectedAt = 0;
  /** The connection is over; what is written to it leads nowhere. */
  isClosed = false;

  get output(): Output {
    return this;
  }

  /** The connection has been heard at `now`, on the thread's clock. */
  heard(now: number): void {
    this.lastReadTick = (now / READ_TICK_MS) | 0;
  }

  /** For how long nothing has come; at most READ_TICK_MS less than that. */
  silentMs(now: number): number {
    return Math.max(0, now - (this.lastReadTick + 1) * READ_TICK_MS);
  }

  /** As `hold`, for what is over within the turn as a rule: only when something is read nevertheless is the connection paused. */
  holdBriefly(): void {
    this.holds++;
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
