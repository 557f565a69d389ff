/** The bounds of sessions and what is offered to them, from the configuration. */
import type { SessionLimits } from '../actors/session/limits.ts';
import type { Offer } from '../actors/session/offer.ts';
import type { ShareStrategy } from '../actors/share/strategy.ts';
import { Reason } from '../wire/mqtt/reason-codes.ts';
import type { Config } from './config/schema.ts';

/** The keep-alive cap that caps nothing. */
const KEEP_ALIVE_UNCAPPED_S = 65_535;

export function sessionLimits({ mqtt }: Pick<Config, 'mqtt'>, reactors: number): SessionLimits {
  return {
    packetBytesMax: mqtt.max_packet_bytes,
    connectTimeoutMs: mqtt.connect_timeout_ms,
    inFlightMax: mqtt.inflight_max,
    keepAliveSecondsMax: mqtt.keep_alive_max_s === KEEP_ALIVE_UNCAPPED_S ? 0 : mqtt.keep_alive_max_s,
    sessionExpirySecondsMax: mqtt.session_expiry_max_s,
    subscriptionsMax: mqtt.subscriptions_max,
    queueMessagesMax: mqtt.queue.messages_max,
    queueBytesMax: mqtt.queue.bytes_max,
    queueOverflow: mqtt.queue.overflow,
    outputBytesMax: mqtt.output.bytes_max,
    sharing: {
      strategy: mqtt.shared.strategy,
      groups: new Map(mqtt.shared.groups.map(groupStrategy)),
    },
    offer: offerOf(mqtt, reactors),
    rate: {
      clientMessages: mqtt.rate.client_messages,
      clientBytes: mqtt.rate.client_bytes,
      listenerMessages: mqtt.rate.listener_messages,
      listenerBytes: mqtt.rate.listener_bytes,
    },
  };
}

function offerOf(mqtt: Config['mqtt'], reactors: number): Offer {
  const { redirect, retained } = mqtt;
  return {
    qosMax: mqtt.qos_max as Offer['qosMax'],
    retain: mqtt.retained.available,
    wildcards: mqtt.wildcards_available,
    shared: mqtt.shared.available,
    subscriptionIds: mqtt.subscription_ids_available,
    emptyClientIds: mqtt.client_id.empty,
    clientIdBytesMax: mqtt.client_id.bytes_max,
    topicLevelsMax: mqtt.topic_levels_max,
    overlap: mqtt.overlap,
    payloadFormatCheck: mqtt.payload_format_check,
    topicAliasOutMax: mqtt.topic_aliases_out_max,
    responseInformation: mqtt.response_information,
    redirect:
      redirect.to === ''
        ? null
        : { reason: redirect.permanent ? Reason.SERVER_MOVED : Reason.USE_ANOTHER_SERVER, reference: redirect.to },
    // Topics are spread over the reactors by hash.
    retainedMessagesMax: Math.ceil(retained.messages_max / reactors),
    retainedBytesMax: Math.ceil(retained.bytes_max / reactors),
  };
}

/** `name=strategy`; the schema has checked it. */
function groupStrategy(entry: string): [string, ShareStrategy] {
  const equals = entry.lastIndexOf('=');
  return [entry.slice(0, equals), entry.slice(equals + 1) as ShareStrategy];
}
