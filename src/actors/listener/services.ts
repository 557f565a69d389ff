/** The services of a reactor as the sessions of one listener see them: with the listener's profile and limits, and the readers and writers that follow from these. */
import { MOUNTPOINT_BYTES_MAX, MQTT_FILTERS_PER_PACKET_MAX, MQTT_PACKET_BYTES_MAX, REFUSAL_MS_MAX } from '../../base/limits.ts';
import { listenerRates } from '../session/rates.ts';
import type { SessionServices } from '../session/services.ts';
import type { ListenerSettings } from './settings.ts';

const NO_METHODS: SessionServices['enhanced'] = new Map();

/** A SUBSCRIBE is prefixed once for each of its filters. One byte less than MQTT can express: `MountReader` refuses a packet in that way. */
function mountedBytesMax(packetBytesMax: number): number {
  const longest = packetBytesMax + MQTT_FILTERS_PER_PACKET_MAX * MOUNTPOINT_BYTES_MAX;
  return Math.min(longest, MQTT_PACKET_BYTES_MAX - 1);
}

export function listenerServices(shared: SessionServices, settings: ListenerSettings): SessionServices {
  const { system, authenticator, enhanced } = shared;
  const { name, authChain, mountpoint } = settings;
  const limits = { ...shared.limits, ...settings.limits };
  // `MountReader` holds the client to its limit, and what the mount point makes of its packets is longer.
  const read = mountpoint === '' ? limits : { ...limits, packetBytesMax: mountedBytesMax(limits.packetBytesMax) };
  return {
    ...shared,
    listener: { name, authChain, mountpoint },
    limits,
    rates: listenerRates(limits.rate, system.reactors),
    authenticator: settings.authenticates ? authenticator : undefined,
    enhanced: settings.scram ? enhanced : NO_METHODS,
    reader: shared.newReader(read),
  };
}

/** For connections that are only let in to be told `reason`. */
export function refusingServices(services: SessionServices, reason: number): SessionServices {
  const connectTimeoutMs = Math.min(services.limits.connectTimeoutMs, REFUSAL_MS_MAX);
  return { ...services, limits: { ...services.limits, connectTimeoutMs }, refusal: reason };
}
