/** The tables of `[[mqtt.bridges]]`. See [bridge.md](../bridge.md). */
import type { TableField, TableSchema } from './tables.ts';

/** A table as it was written, once it has been found good. */
export interface BridgeTable {
  readonly name: string;
  readonly urls: readonly string[];
  readonly protocol?: '3.1.1' | '5.0';
  readonly client_id?: string;
  readonly clean_start?: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly password_file?: string;
  readonly keep_alive_s?: number;
  readonly reconnect_min_ms?: number;
  readonly reconnect_max_ms?: number;
  readonly notifications?: boolean;
  readonly tls?: {
    readonly ca_file?: string;
    readonly cert_file?: string;
    readonly key_file?: string;
    readonly servername?: string;
    readonly verify?: boolean;
  };
  readonly topics: readonly BridgeTopicTable[];
}

export interface BridgeTopicTable {
  readonly direction: 'in' | 'out' | 'both';
  readonly filter: string;
  readonly qos?: 0 | 1 | 2;
  readonly local_prefix?: string;
  readonly remote_prefix?: string;
}

const PREFIX: TableField = { type: 'string', pattern: '^[^+#\\u0000]{0,1024}$' };
const PATH: TableField = { type: 'string', minLength: 1 };

const TOPIC: TableSchema = {
  type: 'object',
  required: ['direction', 'filter'],
  properties: {
    direction: { type: 'string', enum: ['in', 'out', 'both'], description: 'Which way the messages go, seen from this node.' },
    filter: {
      type: 'string',
      description: 'Which topics, without the prefixes; empty: the prefixes are the topics. The first that fits decides.',
    },
    qos: { type: 'integer', minimum: 0, maximum: 2, description: 'They cross with at most this QoS; left out: 1.' },
    local_prefix: { ...PREFIX, description: 'In front of the topics here.' },
    remote_prefix: { ...PREFIX, description: 'In front of the topics there.' },
  },
};

export const BRIDGE_TABLE: TableSchema = {
  type: 'object',
  description: 'A bridge.',
  required: ['name', 'urls', 'topics'],
  properties: {
    name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$', description: 'Its name.' },
    urls: {
      type: 'array',
      items: { type: 'string', pattern: '^(mqtt|mqtts|ws|wss)://[^/\\s@]+(/\\S*)?$' },
      description: 'The other broker, as `mqtt://`, `mqtts://`, `ws://` or `wss://`; several are tried in turn.',
    },
    protocol: { type: 'string', enum: ['3.1.1', '5.0'], description: 'MQTT on the way there; left out: 5.0.' },
    client_id: { type: 'string', minLength: 1, description: 'Of the node there; left out: `CLUSTER-NODE-NAME`.' },
    clean_start: { type: 'boolean', description: 'true: the other side keeps nothing for it while it is away.' },
    username: { type: 'string', minLength: 1, description: 'User name there.' },
    password: { type: 'string', minLength: 1, secret: true, description: 'Password there.' },
    password_file: { ...PATH, description: 'File with the password instead.' },
    keep_alive_s: { type: 'integer', minimum: 5, maximum: 65_535, description: 'Keep-alive there; left out: 60.' },
    reconnect_min_ms: {
      type: 'integer',
      minimum: 10,
      maximum: 3_600_000,
      description: 'First pause before it connects again; it doubles each time. Left out: 1000.',
    },
    reconnect_max_ms: { type: 'integer', minimum: 10, maximum: 3_600_000, description: 'Longest pause; left out: 60000.' },
    notifications: { type: 'boolean', description: 'false: `$SYS/broker/connection/NAME/state` does not tell of it.' },
    tls: {
      type: 'object',
      properties: {
        ca_file: { ...PATH, description: 'PEM of who may have signed its certificate; left out: those that Node.js trusts.' },
        cert_file: { ...PATH, description: 'PEM of our certificate, if it asks for one.' },
        key_file: { ...PATH, description: 'PEM of its key.' },
        servername: { type: 'string', minLength: 1, description: 'Name that its certificate must have; left out: of the URL.' },
        verify: { type: 'boolean', description: 'false takes any certificate.' },
      },
    },
    topics: { type: 'array', items: TOPIC, description: 'What crosses.' },
  },
};
