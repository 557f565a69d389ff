/**
 * Properties of 5.0 control packets: `[length: varint] ( [id: varint] [value] )*`. Which may stand in a packet is a list per packet
 * (table 2-4); an unlisted one makes the packet malformed (section 2.2.2.2), a repeated one or a value out of range is a protocol error.
 * PUBLISH is not read here: see publish-properties.ts.
 */
import { MQTT_USER_PROPERTIES_MAX } from '../../base/limits.ts';
import { Property } from './constants.ts';
import { MqttError } from './mqtt-error.ts';
import type { UserProperty } from './packets.ts';
import { malformed, type PacketReader, protocolError } from './reader.ts';
import { Reason } from './reason-codes.ts';

type Kind = 'byte' | 'u16' | 'u32' | 'varint' | 'string' | 'binary';

/** Types of the properties that a client may send, table 2-4. User properties, being pairs, are apart. */
const KINDS: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [Property.PAYLOAD_FORMAT_INDICATOR, 'byte'],
  [Property.MESSAGE_EXPIRY_INTERVAL, 'u32'],
  [Property.CONTENT_TYPE, 'string'],
  [Property.RESPONSE_TOPIC, 'string'],
  [Property.CORRELATION_DATA, 'binary'],
  [Property.SUBSCRIPTION_IDENTIFIER, 'varint'],
  [Property.SESSION_EXPIRY_INTERVAL, 'u32'],
  [Property.AUTHENTICATION_METHOD, 'string'],
  [Property.AUTHENTICATION_DATA, 'binary'],
  [Property.REQUEST_PROBLEM_INFORMATION, 'byte'],
  [Property.WILL_DELAY_INTERVAL, 'u32'],
  [Property.REQUEST_RESPONSE_INFORMATION, 'byte'],
  [Property.SERVER_REFERENCE, 'string'],
  [Property.REASON_STRING, 'string'],
  [Property.RECEIVE_MAXIMUM, 'u16'],
  [Property.TOPIC_ALIAS_MAXIMUM, 'u16'],
  [Property.MAXIMUM_PACKET_SIZE, 'u32'],
]);

const BOOLEANS: ReadonlySet<number> = new Set([Property.REQUEST_PROBLEM_INFORMATION, Property.REQUEST_RESPONSE_INFORMATION]);
const NEVER_ZERO: ReadonlySet<number> = new Set([
  Property.RECEIVE_MAXIMUM,
  Property.MAXIMUM_PACKET_SIZE,
  Property.SUBSCRIPTION_IDENTIFIER,
]);

export class ControlProperties {
  readonly userProperties: UserProperty[] = [];
  readonly #values = new Map<number, number | string | Uint8Array>();

  has(id: number): boolean {
    return this.#values.has(id);
  }

  number(id: number): number | undefined {
    return this.#values.get(id) as number | undefined;
  }

  string(id: number): string | undefined {
    return this.#values.get(id) as string | undefined;
  }

  binary(id: number): Uint8Array | undefined {
    return this.#values.get(id) as Uint8Array | undefined;
  }

  set(id: number, value: number | string | Uint8Array): void {
    this.#values.set(id, value);
  }
}

/** Reads the length and the properties behind it. `allowed` lists the identifiers beside the user property, which every packet may have. */
export function readProperties(reader: PacketReader, allowed: ReadonlySet<number>, packet: string): ControlProperties {
  const part = reader.part(reader.varint(`property length of ${packet}`), `properties of ${packet}`);
  const properties = new ControlProperties();
  while (part.remaining > 0) {
    const id = part.varint('property identifier');
    if (id === Property.USER_PROPERTY) {
      if (properties.userProperties.length === MQTT_USER_PROPERTIES_MAX) {
        throw new MqttError(Reason.QUOTA_EXCEEDED, `more than ${MQTT_USER_PROPERTIES_MAX} user properties in ${packet}`);
      }
      // [MQTT-1.5.7-1]: both halves are strings like any other.
      const name = part.string('user property name');
      properties.userProperties.push({ name, value: part.string('user property value') });
      continue;
    }
    if (!allowed.has(id)) throw malformed(`${hex(id)} is no property of ${packet}`);
    if (properties.has(id)) throw protocolError(`${hex(id)} is repeated in ${packet}`);
    const value = readValue(part, id);
    checkRange(id, value);
    properties.set(id, value);
  }
  return properties;
}

/** Reads the value of the property `id`, which must be one that a client may send. */
function readValue(reader: PacketReader, id: number): number | string | Uint8Array {
  return reader[KINDS.get(id)!](hex(id));
}

function checkRange(id: number, value: number | string | Uint8Array): void {
  if (BOOLEANS.has(id) && (value as number) > 1) throw protocolError(`${hex(id)} is neither 0 nor 1`);
  if (NEVER_ZERO.has(id) && value === 0) throw protocolError(`${hex(id)} is 0`);
}

/** Passes over one property of a will or a PUBLISH, identifier and value, without looking at what it says. */
export function skipProperty(reader: PacketReader, id: number): void {
  if (id === Property.USER_PROPERTY) {
    reader.skip(reader.u16('user property name'), 'user property name');
    reader.skip(reader.u16('user property value'), 'user property value');
    return;
  }
  switch (KINDS.get(id)) {
    case 'byte':
      reader.skip(1, hex(id));
      break;
    case 'u32':
      reader.skip(4, hex(id));
      break;
    case 'string':
    case 'binary':
      reader.skip(reader.u16(hex(id)), hex(id));
      break;
    default:
      throw malformed(`${hex(id)} cannot be passed over`);
  }
}

function hex(id: number): string {
  return `property 0x${id.toString(16).padStart(2, '0')}`;
}
