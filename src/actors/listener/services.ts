/** The services of a reactor as the sessions of one listener see them: with the listener's profile and limits, and the readers and writers that follow from these. */
import { MOUNTPOINT_BYTES_MAX, MQTT_FILTERS_PER_PACKET_MAX, MQTT_PACKET_BYTES_MAX, REFUSAL_MS_MAX } from '../../base/limits.ts';
import { changeBounds, type SessionLimits } from '../session/limits.ts';
import { ListenerRates } from '../session/rates.ts';
import type { SessionServices } from '../session/services.ts';
import type { ChangedListener, ListenerSettings } from './settings.ts';

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
    rates: new ListenerRates(limits.rate, system.reactors),
    authenticator: settings.authenticates ? authenticator : undefined,
    enhanced: settings.scram ? enhanced : NO_METHODS,
    reader: shared.newReader(read),
  };
}

/**
 * The services of a listener through changes of its limits. What a client has been told at CONNECT holds as long as it is connected, so a change makes new services, for those who connect from then on;
 * bounds that clients are told nothing of change for all sessions, in place. Rates are the listener's and go on with it.
 */
export class ListenerTerms {
  current: SessionServices;
  /** Of sessions that are still there. */
  #former: WeakRef<SessionLimits>[] = [];

  constructor(first: SessionServices) {
    this.current = first;
  }

  change({ limits: changed }: ChangedListener): void {
    const before = this.current;
    const limits = { ...before.limits, ...changed };
    before.rates?.change(limits.rate);
    this.#former = [...this.#former.filter((each) => each.deref() !== undefined), new WeakRef(before.limits)];
    for (const each of this.#former) changeBounds(each.deref() ?? limits, limits);
    const isMounted = before.listener.mountpoint !== '';
    const read = isMounted ? { ...limits, packetBytesMax: mountedBytesMax(limits.packetBytesMax) } : limits;
    this.current = { ...before, limits, reader: before.newReader(read) };
  }
}

/** For connections that are only let in to be told `reason`. */
export function refusingServices(services: SessionServices, reason: number): SessionServices {
  const connectTimeoutMs = Math.min(services.limits.connectTimeoutMs, REFUSAL_MS_MAX);
  return { ...services, limits: { ...services.limits, connectTimeoutMs }, refusal: reason };
}
