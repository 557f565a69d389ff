/** What the specs of the session give to its parts in place of a reactor. */

import { PressureGauge } from '../../../src/actors/router/pressure.ts';
import { TopicTable } from '../../../src/actors/router/topic-table.ts';
import { BufferPool } from '../../../src/actors/session/buffer-pool.ts';
import { Client } from '../../../src/actors/session/client.ts';
import type { SessionLimits } from '../../../src/actors/session/limits.ts';
import { FULL_OFFER } from '../../../src/actors/session/offer.ts';
import { FlushList } from '../../../src/actors/session/output.ts';
import { SHARE_DEFAULTS } from '../../../src/actors/share/strategy.ts';
import { MQTT_TOPIC_LEVELS_MAX } from '../../../src/base/limits.ts';
import { PROBE_SLOTS } from '../../../src/base/probe.ts';
import type { Dialect } from '../../../src/wire/mqtt/constants.ts';
import { FakeTransport } from './fake-transport.ts';
import { type Decoded, decode } from './packets.ts';

export function limits(some: Partial<SessionLimits> = {}): SessionLimits {
  return {
    packetBytesMax: 1 << 20,
    connectTimeoutMs: 10_000,
    inFlightMax: 100,
    keepAliveSecondsMax: 0,
    sessionExpirySecondsMax: 0xffff_ffff,
    subscriptionsMax: 1000,
    queueMessagesMax: 1000,
    queueBytesMax: 1 << 20,
    queueOverflow: 'refuse',
    topicLevelsMax: MQTT_TOPIC_LEVELS_MAX,
    outputBytesMax: 1 << 20,
    sharing: SHARE_DEFAULTS,
    offer: FULL_OFFER,
    ...some,
  };
}

export function topics(): TopicTable {
  return new TopicTable(1000, 1);
}

export function slots(): Float64Array {
  return new Float64Array(PROBE_SLOTS);
}

/** A connected client and what it has been sent. */
export class Peer {
  readonly transport: FakeTransport = new FakeTransport();
  readonly pool: BufferPool = new BufferPool();
  readonly flushList: FlushList = new FlushList(() => {});
  readonly gauge: PressureGauge = new PressureGauge();
  readonly client: Client;

  constructor(dialect: Dialect) {
    this.client = new Client(this.transport, this.pool, this.flushList);
    this.client.dialect = dialect;
  }

  /** What has arrived since the last call. */
  received(): Decoded[] {
    this.flushList.flush();
    return decode(this.client.dialect, this.transport.takeReceived());
  }
}
