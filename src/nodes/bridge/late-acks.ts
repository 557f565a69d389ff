/**
 * MQTT.js acknowledges a message before it looks at the next one. So that many can be under way on this side, their acknowledgements are taken out of its hands, and
 * sent when the node has them. What it has no option for is done at the one method through which all its packets leave; see spec/e2e/bridge.spec.ts.
 */
import type { MqttClient } from 'mqtt';
import type { Packet } from 'mqtt-packet';

type Send = (packet: Packet, then?: (error?: Error) => void, ...more: unknown[]) => void;

export interface LateAcks {
  /** The acknowledgement of this message is kept back; returns what sends it, on this connection and on no other. */
  hold(messageId: number): () => void;
}

export function holdAcks(client: MqttClient): LateAcks {
  const inner = client as unknown as { _sendPacket: Send };
  const send = inner._sendPacket.bind(client);
  /** Undefined until MQTT.js has made it. */
  const held = new Map<number, (() => void) | undefined>();
  inner._sendPacket = (packet, then, ...more) => {
    const { cmd, messageId } = packet as { cmd: string; messageId?: number };
    if ((cmd !== 'puback' && cmd !== 'pubcomp') || !held.has(messageId!)) return send(packet, then, ...more);
    held.set(messageId!, () => send(packet));
    then?.();
  };
  client.on('close', () => held.clear()); // the other side sends the messages again
  return {
    hold(messageId): () => void {
      held.set(messageId, undefined);
      return () => {
        const release = held.get(messageId);
        held.delete(messageId);
        release?.();
      };
    },
  };
}
