/**
 * The tables of `[[mqtt.listeners]]`. They are no keys of their own, because a listener is a whole. The bounds and the TLS part of a table are the keys of
 * `mqtt` and `mqtt.tls` with the same names, which hold where the table leaves them out.
 */
import { CONFIG_SCHEMA, type Config } from './schema.ts';
import type { TableField, TableSchema } from './tables.ts';

const TLS_KEYS = [
  'cert_file',
  'key_file',
  'sni',
  'ca_file',
  'crl_file',
  'client_certificate',
  'username_from',
  'min_version',
  'ciphers',
  'psk_file',
  'psk_hint',
] as const;

const LIMIT_KEYS = [
  'connections_max',
  'handshakes_max',
  'handshake_timeout_ms',
  'connect_timeout_ms',
  'max_packet_bytes',
  'inflight_max',
  'keep_alive_max_s',
  'session_expiry_max_s',
  'subscriptions_max',
  'qos_max',
  'wildcards_available',
  'subscription_ids_available',
  'topic_aliases_out_max',
] as const;

const RATE_KEYS = ['client_messages', 'client_bytes', 'listener_messages', 'listener_bytes', 'listener_connects'] as const;

export type TlsTable = Pick<Config['mqtt']['tls'], (typeof TLS_KEYS)[number]>;
export type LimitsTable = Pick<Config['mqtt'], (typeof LIMIT_KEYS)[number]> & { readonly retained_available?: boolean };

/** A table as it was written, once it has been found good. */
export interface ListenerTable {
  readonly name: string;
  readonly type: 'tcp' | 'tls' | 'ws' | 'wss' | 'unix' | 'quic';
  readonly enabled?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly ipv6_only?: boolean;
  readonly path?: string;
  readonly mode?: string;
  readonly origins?: readonly string[];
  readonly proxy_protocol?: boolean;
  readonly auth?: string;
  readonly mountpoint?: string;
  readonly tls?: Partial<TlsTable>;
  readonly limits?: Partial<LimitsTable>;
  readonly rate?: Partial<Config['mqtt']['rate']>;
}

const OWN: Readonly<Record<Exclude<keyof ListenerTable, 'tls' | 'limits' | 'rate'>, TableField>> = {
  name: {
    type: 'string',
    pattern: '^[a-z][a-z0-9_-]{0,62}$',
    description: 'Its name, in logs, over HTTP and for authentication; not `tcp`, `tls`, `ws` or `wss`.',
  },
  type: {
    type: 'string',
    enum: ['tcp', 'tls', 'ws', 'wss', 'unix', 'quic'],
    description: 'What it speaks. `quic` is an experiment and needs the optional package @matrixai/quic.',
  },
  enabled: { type: 'boolean', description: 'false leaves it out.' },
  host: { type: 'string', minLength: 1, description: 'Its address; left out: 127.0.0.1. `::` takes IPv4 as well.' },
  port: { type: 'integer', minimum: 0, maximum: 65_535, description: 'Its port; 0 picks one. Needed unless `type` is `unix`.' },
  ipv6_only: { type: 'boolean', description: 'true keeps `::` from taking IPv4.' },
  path: {
    type: 'string',
    minLength: 1,
    description: 'Of the socket, with `unix`; of the URL, with `ws` and `wss` (`*`: every path).',
  },
  mode: { type: 'string', pattern: '^0?[0-7]{3}$', description: 'Permissions of a Unix socket, octal; left out: 0600.' },
  origins: {
    type: 'array',
    items: { type: 'string', pattern: '^https?://[^/]+$' },
    description: 'Web pages that may connect by `ws` and `wss`; left out or empty lets any.',
  },
  proxy_protocol: {
    type: 'boolean',
    description:
      'true demands a PROXY header (version 1 or 2) of every connection. Only where nobody but the proxy reaches the listener.',
  },
  auth: { type: 'string', description: 'Name of the chain that authenticates its clients; left out: the node’s.' },
  mountpoint: {
    type: 'string',
    pattern: '^([^#+\\u0000]{1,1024}/)?$',
    description: 'Prefix of every topic and filter of its clients, which they do not see; it ends with /.',
  },
};

const RETAINED_AVAILABLE: TableField = { type: 'boolean', description: 'As `mqtt.retained.available`.' };

function fieldsOf(properties: Readonly<Record<string, object>>, names: readonly string[]): Record<string, TableField> {
  return Object.fromEntries(names.map((name) => [name, properties[name] as TableField]));
}

const { properties } = CONFIG_SCHEMA.properties.mqtt;

export const LISTENER_TABLE: TableSchema = {
  type: 'object',
  description: 'A listener.',
  required: ['name', 'type'],
  properties: {
    ...OWN,
    tls: { type: 'object', description: 'As in `mqtt.tls`.', properties: fieldsOf(properties.tls.properties, TLS_KEYS) },
    limits: {
      type: 'object',
      description: 'As in `mqtt`.',
      properties: { ...fieldsOf(properties, LIMIT_KEYS), retained_available: RETAINED_AVAILABLE },
    },
    rate: { type: 'object', description: 'As in `mqtt.rate`.', properties: fieldsOf(properties.rate.properties, RATE_KEYS) },
  },
};
