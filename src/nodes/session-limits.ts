/** The bounds of sessions and what is offered to them, from the configuration. */
import type { ReactorBounds } from '../actors/insight/messages.ts';
import type { SessionLimits } from '../actors/session/limits.ts';
import type { Offer } from '../actors/session/offer.ts';
import type { ShareSettings, ShareStrategy } from '../actors/share/strategy.ts';
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
    topicLevelsMax: mqtt.topic_levels_max,
    outputBytesMax: mqtt.output.bytes_max,
    sharing: sharingOf(mqtt),
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
  const { redirect } = mqtt;
  return {
    qosMax: mqtt.qos_max as Offer['qosMax'],
    retain: mqtt.retained.available,
    wildcards: mqtt.wildcards_available,
    shared: mqtt.shared.available,
    subscriptionIds: mqtt.subscription_ids_available,
    emptyClientIds: mqtt.client_id.empty,
    clientIdBytesMax: mqtt.client_id.bytes_max,
    overlap: mqtt.overlap,
    payloadFormatCheck: mqtt.payload_format_check,
    topicAliasOutMax: mqtt.topic_aliases_out_max,
    responseInformation: mqtt.response_information,
    redirect:
      redirect.to === ''
        ? null
        : { reason: redirect.permanent ? Reason.SERVER_MOVED : Reason.USE_ANOTHER_SERVER, reference: redirect.to },
    ...retainedOf(mqtt, reactors),
  };
}

function sharingOf({ shared }: Config['mqtt']): ShareSettings {
  return { strategy: shared.strategy, groups: new Map(shared.groups.map(groupStrategy)) };
}

/** Topics are spread over the reactors by hash. */
function retainedOf({ retained }: Config['mqtt'], reactors: number): Pick<Offer, 'retainedMessagesMax' | 'retainedBytesMax'> {
  return {
    retainedMessagesMax: Math.ceil(retained.messages_max / reactors),
    retainedBytesMax: Math.ceil(retained.bytes_max / reactors),
  };
}

/** What a reactor holds all sessions to, beside the limits of its listeners. */
export function reactorBounds({ mqtt }: Pick<Config, 'mqtt'>, reactors: number): ReactorBounds {
  const { retainedMessagesMax: messagesMax, retainedBytesMax: bytesMax } = retainedOf(mqtt, reactors);
  const { strategy, groups } = sharingOf(mqtt);
  return {
    topicLevelsMax: mqtt.topic_levels_max,
    sharing: { strategy, groups: [...groups] },
    retained: { messagesMax, bytesMax },
  };
}

/** `name=strategy`; the schema has checked it. */
function groupStrategy(entry: string): [string, ShareStrategy] {
  const equals = entry.lastIndexOf('=');
  return [entry.slice(0, equals), entry.slice(equals + 1) as ShareStrategy];
}
