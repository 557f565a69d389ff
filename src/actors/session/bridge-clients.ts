/**
 * Clients that are bridges of other brokers.
 *
 * One of another node says in its CONNECT that it is one, and hears in the CONNACK what this node is called in the way of a message. So it knows what it need not
 * send here: what has been here before. MQTT 5.0 only.
 *
 * One of MQTT 3.x sets a bit of the protocol level, and has no options to subscribe with. It is given those that a bridge needs, as mosquitto gives them: what it has
 * published does not come back to it, and RETAIN comes as it was published.
 */
import type { Diagnostics } from '../../wire/mqtt/control-encoder.ts';
import type { ConnectPacket, SubscribePacket } from '../../wire/mqtt/packets.ts';
import { isSharedFilter } from '../../wire/mqtt/topics.ts';

/** User property of both packets; its value is the sender's name. */
export const BRIDGE_PROPERTY = 'sluice-bridge';

export function greetBridge({ properties }: ConnectPacket, nodeName: string): Diagnostics {
  const isBridge = nodeName !== '' && properties.userProperties.some(({ name }) => name === BRIDGE_PROPERTY);
  return isBridge ? { userProperties: [{ name: BRIDGE_PROPERTY, value: nodeName }] } : NOTHING;
}

export function asOfBridge(packet: SubscribePacket): SubscribePacket {
  const entries = packet.entries.map((entry) => ({
    ...entry,
    noLocal: !isSharedFilter(entry.filter), // a member of a shared subscription has no such option [MQTT-3.8.3-4]
    retainAsPublished: true,
  }));
  return { ...packet, entries };
}

const NOTHING: Diagnostics = {};
