/**
 * A bridge of another node says in its CONNECT that it is one, and hears in the CONNACK what this node is called in the way of a message. So it knows what it need not
 * send here: what has been here before. MQTT 5.0 only.
 */
import type { Diagnostics } from '../../wire/mqtt/control-encoder.ts';
import type { ConnectPacket } from '../../wire/mqtt/packets.ts';

/** User property of both packets; its value is the sender's name. */
export const BRIDGE_PROPERTY = 'sluice-bridge';

export function greetBridge({ properties }: ConnectPacket, nodeName: string): Diagnostics {
  const isBridge = nodeName !== '' && properties.userProperties.some(({ name }) => name === BRIDGE_PROPERTY);
  return isBridge ? { userProperties: [{ name: BRIDGE_PROPERTY, value: nodeName }] } : NOTHING;
}

const NOTHING: Diagnostics = {};
