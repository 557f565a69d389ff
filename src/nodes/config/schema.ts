/**
 * Every configuration key of a node, as one JSON Schema: validation, defaults, `--help` texts and
 * docs/reference/config.md come from here, and so does the type `Config`.
 *
 * A leaf carries its description, its default and its bounds. `reserved` marks a key that belongs to the contract but has
 * no effect in this version: it is accepted, so that one file serves several versions, and the node says so in its log.
 * Ports: 0 means that the system picks one, -1 turns the listener off.
 */
import type { XStatic } from 'typebox/schema';
import { ACL_SCHEMA } from './acl-schema.ts';
import { AUTH_SCHEMA } from './auth-schema.ts';
import { BACKEND_SCHEMA } from './backend-schema.ts';
import { ALARMS_SCHEMA, EVENTS_SCHEMA, SLOW_SCHEMA } from './insight-schema.ts';
import { AUTO_SUBSCRIBE_SCHEMA, DELAYED_SCHEMA, REWRITE_SCHEMA } from './intake-schema.ts';
import { PLUGIN_SCHEMA } from './plugin-schema.ts';
import { FLAPPING_SCHEMA, RATE_SCHEMA } from './rate-schema.ts';

export const CONFIG_SCHEMA = {
  type: 'object',
  required: [
    'node',
    'storage',
    'cluster',
    'wire',
    'http',
    'mqtt',
    'kafka',
    'meta',
    'auth',
    'acl',
    'backend',
    'plugin',
    'alarms',
    'log',
  ],
  properties: {
    node: {
      type: 'object',
      description: 'This process.',
      required: ['id', 'roles', 'data', 'threads'],
      properties: {
        id: {
          type: 'integer',
          minimum: 1,
          maximum: 1023,
          default: 1,
          description: 'Number of this node, unique in its cluster.',
        },
        roles: {
          type: 'array',
          items: { type: 'string', enum: ['meta', 'broker', 'journal'] },
          minItems: 1,
          uniqueItems: true,
          default: ['meta', 'broker', 'journal'],
          reserved: true,
          description: 'What this node does for its cluster.',
        },
        data: {
          type: 'string',
          minLength: 1,
          default: './data',
          description: 'Directory of everything that must survive a restart.',
        },
        threads: {
          type: 'integer',
          minimum: 0,
          maximum: 31,
          default: 0,
          description: 'Reactor threads, which own the connections. 0 means one for each core but one, and at least one.',
        },
      },
    },
    storage: {
      type: 'object',
      description: 'What is kept on disk, below `node.data`.',
      required: ['enabled', 'segment_bytes', 'tail_bytes', 'memory_bytes', 'on_corruption'],
      properties: {
        enabled: {
          type: 'boolean',
          default: true,
          description:
            'Keep declared topics, sessions and retained messages on disk. False: in memory alone, and a restart forgets them.',
        },
        segment_bytes: {
          type: 'integer',
          minimum: 1_048_576,
          maximum: 1_073_741_824,
          default: 268_435_456,
          description: 'Size at which a file of a log is completed and the next one begun. The last file is what recovery reads.',
        },
        tail_bytes: {
          type: 'integer',
          minimum: 4_194_304,
          maximum: 1_073_741_824,
          default: 33_554_432,
          description: 'Memory for the end of the shared log, from which recent records are read without the disk.',
        },
        memory_bytes: {
          type: 'integer',
          minimum: 1_048_576,
          maximum: 1_099_511_627_776,
          default: 268_435_456,
          description: 'Memory that topics of the memory engine may take together; above, the oldest records go.',
        },
        on_corruption: {
          type: 'string',
          enum: ['refuse', 'serve'],
          default: 'refuse',
          description: 'When the disk has lost or changed what was durable: refuse to start, or go on without it and say so.',
        },
      },
    },
    cluster: {
      type: 'object',
      description: 'The cluster that this node belongs to.',
      required: ['name', 'meta'],
      properties: {
        name: {
          type: 'string',
          pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
          default: 'sluice',
          description: 'Name of the cluster: lower-case letters, digits and dashes. Nodes of other clusters are turned away.',
        },
        meta: {
          type: 'array',
          items: { type: 'string', pattern: '^[0-9]+@.+:[0-9]+$' },
          default: [],
          description:
            'Nodes that hold the metadata, each `id@host:port`, this one among them or not. Empty means this node alone: the wire is off.',
        },
      },
    },
    wire: {
      type: 'object',
      description: 'The connections between nodes.',
      required: ['host', 'port', 'transport', 'secret', 'tls'],
      properties: {
        host: {
          type: 'string',
          minLength: 1,
          default: '127.0.0.1',
          description: 'Address on which other nodes reach this one. Other than loopback needs `wire.secret` or `wire.tls`.',
        },
        port: { type: 'integer', minimum: -1, maximum: 65535, default: 7600, description: 'Port for other nodes.' },
        transport: {
          type: 'string',
          enum: ['tcp', 'quic'],
          default: 'tcp',
          description: 'Transport between nodes, the same on all of them. QUIC needs `wire.tls` and the package @matrixai/quic.',
        },
        secret: {
          type: 'string',
          default: '',
          secret: true,
          description: 'Known to all nodes of the cluster, and proven by each to each. Empty means that no proof is asked for.',
        },
        tls: {
          type: 'object',
          description:
            'Certificates between nodes, all three or none: both sides of each connection must show one of the authority.',
          required: ['cert', 'key', 'ca'],
          properties: {
            cert: { type: 'string', default: '', description: "File of this node's certificate, PEM." },
            key: { type: 'string', default: '', description: 'File of its private key, PEM.' },
            ca: {
              type: 'string',
              default: '',
              description: 'File of the authority that signed the certificates of all nodes, PEM.',
            },
          },
        },
      },
    },
    http: {
      type: 'object',
      description: 'Health, metrics and administration over HTTP.',
      required: ['host', 'port', 'tokens_file', 'users_file', 'audit'],
      properties: {
        host: {
          type: 'string',
          minLength: 1,
          default: '127.0.0.1',
          description:
            'Address of the HTTP listener. Other than loopback needs `http.tokens_file`, `http.users_file` or `auth.insecure`.',
        },
        tokens_file: {
          type: 'string',
          default: '',
          description: 'File of `name:token` lines: who may administrate with a bearer token.',
        },
        users_file: {
          type: 'string',
          default: '',
          description: 'File of `user:hash` lines, as `auth.users_file`: who may administrate with user name and password.',
        },
        audit: {
          type: 'object',
          description: 'The log of administrative actions, `audit.log` in `node.data`.',
          required: ['bytes_max', 'files_max'],
          properties: {
            bytes_max: {
              type: 'integer',
              minimum: 0,
              maximum: 1073741824,
              default: 10485760,
              description: 'Size at which a new file is begun. 0 turns the log off.',
            },
            files_max: {
              type: 'integer',
              minimum: 1,
              maximum: 1000,
              default: 10,
              description: 'Files that are kept, with the one being written.',
            },
          },
        },
        port: { type: 'integer', minimum: -1, maximum: 65535, default: 8090, description: 'Port of the HTTP listener.' },
      },
    },
    mqtt: {
      type: 'object',
      description: 'MQTT 3.1, 3.1.1 and 5.0.',
      required: [
        'tcp',
        'tls',
        'ws',
        'wss',
        'listeners',
        'bridges',
        'payload_schemas',
        'handshake_timeout_ms',
        'handshakes_max',
        'tcp_keep_alive_s',
        'max_packet_bytes',
        'connect_timeout_ms',
        'inflight_max',
        'queue',
        'output',
        'keep_alive_max_s',
        'session_expiry_max_s',
        'connections_max',
        'rate',
        'flapping',
        'subscriptions_max',
        'shared',
        'qos_max',
        'retained',
        'delayed',
        'exclusive_available',
        'rewrite',
        'auto_subscribe',
        'events',
        'sys_interval_s',
        'slow_subscribers',
        'wildcards_available',
        'subscription_ids_available',
        'client_id',
        'topic_levels_max',
        'overlap',
        'payload_format_check',
        'topic_aliases_out_max',
        'response_information',
        'redirect',
      ],
      properties: {
        tcp: {
          type: 'object',
          description: 'MQTT over TCP.',
          required: ['host', 'port'],
          properties: {
            host: { type: 'string', minLength: 1, default: '127.0.0.1', description: 'Address of the MQTT listener.' },
            port: { type: 'integer', minimum: -1, maximum: 65535, default: 1883, description: 'Port of the MQTT listener.' },
          },
        },
        tls: {
          type: 'object',
          description: 'MQTT over TLS.',
          required: [
            'host',
            'port',
            'reload_interval_ms',
            'cert_file',
            'key_file',
            'sni',
            'ca_file',
            'crl_file',
            'client_certificate',
            'username_from',
            'min_version',
            'psk_file',
            'psk_hint',
            'ciphers',
          ],
          properties: {
            host: { type: 'string', minLength: 1, default: '127.0.0.1', description: 'Address of the TLS listener.' },
            port: {
              type: 'integer',
              minimum: -1,
              maximum: 65535,
              default: 8883,
              description: 'Port of the TLS listener, which is on when there is a certificate.',
            },
            cert_file: {
              type: 'string',
              default: '',
              description: 'Certificate with its chain, PEM. Without one, TLS and WSS are off.',
            },
            key_file: { type: 'string', default: '', description: 'Private key of `cert_file`, PEM.' },
            sni: {
              type: 'array',
              items: {
                type: 'object',
                required: ['cert_file', 'key_file'],
                properties: {
                  cert_file: { type: 'string', minLength: 1 },
                  key_file: { type: 'string', minLength: 1 },
                },
              },
              default: [],
              description: 'Further certificates, used when a client asks for a name that one of them has (SNI).',
            },
            ca_file: {
              type: 'string',
              default: '',
              description: 'Certificates of the authorities whose client certificates are trusted, PEM.',
            },
            crl_file: {
              type: 'string',
              default: '',
              description: 'Lists of revoked client certificates, PEM, one for each authority.',
            },
            client_certificate: {
              type: 'string',
              enum: ['none', 'optional', 'required'],
              default: 'none',
              description:
                'Whether clients are asked for a certificate. One that is shown has to be good, even if it is optional.',
            },
            username_from: {
              type: 'string',
              enum: ['none', 'cn', 'dn', 'san', 'identity'],
              default: 'none',
              description:
                'What of a client’s certificate is its user name, in place of what CONNECT says and without a password: common name, whole subject (RFC 2253) or first alternative name. `identity`: with `psk_file`, the identity that goes with the key.',
            },
            min_version: {
              type: 'string',
              enum: ['TLSv1.2', 'TLSv1.3'],
              default: 'TLSv1.2',
              description: 'Oldest version of TLS that is spoken.',
            },
            ciphers: {
              type: 'string',
              default: '',
              description: 'Ciphers in OpenSSL’s form, best first. Empty means the default of Node.js.',
            },
            psk_file: {
              type: 'string',
              default: '',
              description:
                'File of `identity:key` lines, keys in hexadecimal, for clients that share a key with the node instead of looking at a certificate; in place of `cert_file`. Not for WSS and QUIC.',
            },
            psk_hint: {
              type: 'string',
              default: '',
              description: 'Told to such clients, so that they find the right key. TLS 1.2 alone.',
            },
            reload_interval_ms: {
              type: 'integer',
              minimum: 0,
              maximum: 86400000,
              default: 5000,
              description:
                'How often the files of certificates are looked at; when one has changed, all are read again. 0: only on SIGHUP or when asked over HTTP.',
            },
          },
        },
        ws: {
          type: 'object',
          description: 'MQTT over WebSocket.',
          required: ['host', 'port', 'path', 'origins'],
          properties: {
            host: { type: 'string', minLength: 1, default: '127.0.0.1', description: 'Address of the WebSocket listener.' },
            port: { type: 'integer', minimum: -1, maximum: 65535, default: 8083, description: 'Port of the WebSocket listener.' },
            path: { type: 'string', pattern: '^/[^?#]*$', default: '/mqtt', description: 'Path of the URL, for WSS as well.' },
            origins: {
              type: 'array',
              items: { type: 'string', pattern: '^https?://[^/]+$' },
              default: [],
              description: 'Web pages that may connect, as `https://app.example`, for WSS as well. Empty lets any.',
            },
          },
        },
        wss: {
          type: 'object',
          description: 'MQTT over secure WebSocket, with the certificates of `mqtt.tls`.',
          required: ['host', 'port'],
          properties: {
            host: {
              type: 'string',
              minLength: 1,
              default: '127.0.0.1',
              description: 'Address of the secure WebSocket listener.',
            },
            port: {
              type: 'integer',
              minimum: -1,
              maximum: 65535,
              default: 8084,
              description: 'Port of the secure WebSocket listener, which is on when there is a certificate.',
            },
          },
        },
        listeners: {
          type: 'array',
          items: { type: 'object' },
          tables: 'listener',
          default: [],
          description: 'Further listeners, one `[[mqtt.listeners]]` each; see below.',
        },
        payload_schemas: {
          type: 'array',
          items: { type: 'object' },
          tables: 'payload-schema',
          default: [],
          description: 'Schemas that payloads have to keep to, one `[[mqtt.payload_schemas]]` each; see below.',
        },
        bridges: {
          type: 'array',
          items: { type: 'object' },
          tables: 'bridge',
          default: [],
          description: 'Bridges to other brokers, one `[[mqtt.bridges]]` each; see below and [bridge.md](../bridge.md).',
        },
        handshake_timeout_ms: {
          type: 'integer',
          minimum: 100,
          maximum: 600000,
          default: 10000,
          description: 'A connection whose PROXY, TLS and WebSocket handshakes have not ended after this time is closed.',
        },
        handshakes_max: {
          type: 'integer',
          minimum: 1,
          maximum: 100000,
          default: 256,
          description: 'Such handshakes under way at a time on each listener and reactor. Further connections wait.',
        },
        tcp_keep_alive_s: {
          type: 'integer',
          minimum: 0,
          maximum: 86400,
          default: 300,
          description:
            'TCP probes of a connection that has been silent for so long find out whether its peer is still there. 0: none.',
        },
        max_packet_bytes: {
          type: 'integer',
          minimum: 64,
          maximum: 268435460,
          default: 1048576,
          description: 'Largest packet that a client may send. A larger one closes its connection (0x95).',
        },
        connect_timeout_ms: {
          type: 'integer',
          minimum: 100,
          maximum: 600000,
          default: 10000,
          description: 'A connection that has not sent a whole CONNECT after this time is closed.',
        },
        inflight_max: {
          type: 'integer',
          minimum: 1,
          maximum: 65535,
          default: 1024,
          description: 'QoS 1 and 2 messages under way in each direction of a session; the receive maximum told to clients.',
        },
        queue: {
          type: 'object',
          description: 'Messages that wait for a session: it is offline or its window is full.',
          required: ['messages_max', 'bytes_max', 'overflow'],
          properties: {
            messages_max: {
              type: 'integer',
              minimum: 0,
              maximum: 10000000,
              default: 10000,
              description: 'Messages that may wait for one session. Further ones are dropped and counted.',
            },
            bytes_max: {
              type: 'integer',
              minimum: 0,
              maximum: 8589934592,
              default: 16777216,
              description: 'Bytes that may wait for one session. Further messages are dropped and counted.',
            },
            overflow: {
              type: 'string',
              enum: ['refuse', 'drop_oldest'],
              default: 'refuse',
              description:
                'What a persistent session that is full drops while its client is away: the message that comes, or its oldest ones.',
            },
          },
        },
        output: {
          type: 'object',
          description: 'Bytes that a client has not read yet.',
          required: ['bytes_max'],
          properties: {
            bytes_max: {
              type: 'integer',
              minimum: 65536,
              maximum: 8589934592,
              default: 4194304,
              description:
                'Unsent bytes of one connection. Above it QoS 0 is dropped first, then the client is disconnected (0x97).',
            },
          },
        },
        keep_alive_max_s: {
          type: 'integer',
          minimum: 1,
          maximum: 65535,
          default: 65535,
          description:
            'Longest keep-alive interval granted to 5.0 clients, who are told; one that asks for a longer one, or for none, gets this. Older clients could not be told and keep theirs. 65535 grants everything.',
        },
        session_expiry_max_s: {
          type: 'integer',
          minimum: 0,
          maximum: 4294967295,
          default: 604800,
          description: 'Longest time that a session outlives its connection, seconds. 4294967295 means for ever.',
        },
        connections_max: {
          type: 'integer',
          minimum: 1,
          maximum: 10000000,
          default: 100000,
          description: 'MQTT connections of the node. A further one is refused (0x97) and counted.',
        },
        rate: RATE_SCHEMA as typeof RATE_SCHEMA,
        flapping: FLAPPING_SCHEMA as typeof FLAPPING_SCHEMA,
        subscriptions_max: {
          type: 'integer',
          minimum: 1,
          maximum: 10000000,
          default: 10000,
          description: 'Subscriptions of one client. A further one is refused in its SUBACK (0x97).',
        },
        shared: {
          type: 'object',
          description: 'Shared subscriptions.',
          required: ['available', 'strategy', 'groups'],
          properties: {
            available: { type: 'boolean', default: true, description: 'Clients may use them. If not, SUBACK says so (0x9E).' },
            strategy: {
              type: 'string',
              enum: ['round_robin', 'random', 'sticky', 'hash_client', 'hash_topic', 'local_first'],
              default: 'round_robin',
              description: 'Who of the members of a shared subscription gets a message.',
            },
            groups: {
              type: 'array',
              items: {
                type: 'string',
                pattern: '^[^/+#]+=(round_robin|random|sticky|hash_client|hash_topic|local_first)$',
              },
              default: [],
              description: 'Strategies of single groups by their name in `$share/name/filter`, each `name=strategy`.',
            },
          },
        },
        qos_max: {
          type: 'integer',
          minimum: 0,
          maximum: 2,
          default: 2,
          description:
            'Highest QoS that clients may publish and have in their will (else 0x9B); subscriptions are granted no more.',
        },
        retained: {
          type: 'object',
          description: 'Retained messages.',
          required: ['available', 'messages_max', 'bytes_max', 'message_bytes_max', 'expiry_s'],
          properties: {
            message_bytes_max: {
              type: 'integer',
              minimum: 0,
              maximum: 268435460,
              default: 0,
              description: 'Largest packet that is retained, bytes; a larger one is delivered and not kept, and counted. 0: any.',
            },
            expiry_s: {
              type: 'integer',
              minimum: 0,
              maximum: 4294967295,
              default: 0,
              description: 'How long a retained message without an expiry of its own is kept, seconds. 0: for ever.',
            },
            available: { type: 'boolean', default: true, description: 'Clients may retain messages. If not, 0x9A.' },
            messages_max: {
              type: 'integer',
              minimum: 0,
              maximum: 100000000,
              default: 1000000,
              description: 'Retained messages of the node. One for a further topic is not kept, and counted.',
            },
            bytes_max: {
              type: 'integer',
              minimum: 0,
              maximum: 68719476736,
              default: 536870912,
              description: 'Bytes of the retained messages of the node, names and overhead included.',
            },
          },
        },
        delayed: DELAYED_SCHEMA as typeof DELAYED_SCHEMA,
        exclusive_available: {
          type: 'boolean',
          default: true,
          description: 'Clients may subscribe by `$exclusive/filter`, one at a time. If not, SUBACK says so (0x8F).',
        },
        rewrite: REWRITE_SCHEMA as typeof REWRITE_SCHEMA,
        auto_subscribe: AUTO_SUBSCRIBE_SCHEMA as typeof AUTO_SUBSCRIBE_SCHEMA,
        events: EVENTS_SCHEMA as typeof EVENTS_SCHEMA,
        sys_interval_s: {
          type: 'integer',
          minimum: 0,
          maximum: 3600,
          default: 10,
          description: 'How often `$SYS/broker/…` is brought up to date, seconds. 0: never.',
        },
        slow_subscribers: SLOW_SCHEMA as typeof SLOW_SCHEMA,
        wildcards_available: {
          type: 'boolean',
          default: true,
          description: 'Clients may subscribe with wildcards. If not, SUBACK says so (0xA2).',
        },
        subscription_ids_available: {
          type: 'boolean',
          default: true,
          description: 'Clients may give their subscriptions identifiers. If not, SUBACK says so (0xA1).',
        },
        client_id: {
          type: 'object',
          description: 'What client ids may look like.',
          required: ['empty', 'bytes_max'],
          properties: {
            empty: { type: 'boolean', default: true, description: 'A client may leave its id to the server.' },
            bytes_max: {
              type: 'integer',
              minimum: 23,
              maximum: 65535,
              default: 65535,
              description: 'Longest client id, bytes; a longer one is refused (0x85).',
            },
          },
        },
        topic_levels_max: {
          type: 'integer',
          minimum: 1,
          maximum: 128,
          default: 128,
          description: 'Levels of a topic name (else 0x90) or filter (else 0x8F).',
        },
        overlap: {
          type: 'string',
          enum: ['merge', 'separate'],
          default: 'merge',
          description:
            'A message that several subscriptions of a client match: one copy with all identifiers, or one for each subscription.',
        },
        payload_format_check: {
          type: 'boolean',
          default: true,
          description: 'Refuse a payload that says that it is UTF-8 (payload format indicator 1) and is not (0x99).',
        },
        topic_aliases_out_max: {
          type: 'integer',
          minimum: 0,
          maximum: 65535,
          default: 32,
          description: 'Topic aliases used towards a client that takes them. 0 turns them off.',
        },
        response_information: {
          type: 'string',
          default: '',
          description:
            'Told to 5.0 clients that ask for response information: the prefix of topics for their answers; `%c` stands for the client id.',
        },
        redirect: {
          type: 'object',
          description: 'Send all clients to another server.',
          required: ['to', 'permanent'],
          properties: {
            to: { type: 'string', default: '', description: 'Server reference told to 5.0 clients. Empty: clients are served.' },
            permanent: {
              type: 'boolean',
              default: false,
              description: 'For good (0x9D, server moved) instead of for now (0x9C, use another server).',
            },
          },
        },
      },
    },
    kafka: {
      type: 'object',
      description: 'Kafka clients.',
      required: ['port'],
      properties: {
        port: {
          type: 'integer',
          minimum: -1,
          maximum: 65535,
          default: -1,
          reserved: true,
          description: 'Port for Kafka clients.',
        },
      },
    },
    meta: {
      type: 'object',
      description: 'The metadata service.',
      required: ['groups'],
      properties: {
        groups: {
          type: 'object',
          description: 'Raft groups by what they hold: the same on all nodes, and fixed when the cluster is founded.',
          required: ['metadata', 'offset', 'data'],
          properties: {
            metadata: {
              type: 'integer',
              minimum: 1,
              maximum: 512,
              default: 1,
              description: 'Groups for topics, placement, users and settings.',
            },
            offset: {
              type: 'integer',
              minimum: 1,
              maximum: 512,
              default: 1,
              description: 'Groups for consumer offsets.',
            },
            data: {
              type: 'integer',
              minimum: 1,
              maximum: 512,
              default: 1,
              description: 'Groups for sessions, retained messages and wills.',
            },
          },
        },
      },
    },
    auth: AUTH_SCHEMA as typeof AUTH_SCHEMA,
    acl: ACL_SCHEMA as typeof ACL_SCHEMA,
    backend: BACKEND_SCHEMA as typeof BACKEND_SCHEMA,
    plugin: PLUGIN_SCHEMA as typeof PLUGIN_SCHEMA,
    alarms: ALARMS_SCHEMA as typeof ALARMS_SCHEMA,
    log: {
      type: 'object',
      description: 'The log on stderr, one JSON object per line.',
      required: ['level'],
      properties: {
        level: {
          type: 'string',
          enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
          default: 'info',
          description: 'Least severe level that is written.',
        },
      },
    },
  },
} as const;

/** All keys with their effective values; plain JSON, so it travels to every thread as it is. */
export type Config = XStatic<typeof CONFIG_SCHEMA>;
