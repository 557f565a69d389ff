/** Keys of `mqtt` for what goes beyond the standard on the way in. See [mqtt-extensions.md](../mqtt-extensions.md). */

export const DELAYED_SCHEMA = {
  type: 'object',
  description: 'Messages for later: a PUBLISH to `$delayed/SECONDS/topic`. See [mqtt-extensions.md](../mqtt-extensions.md).',
  required: ['enabled', 'messages_max', 'bytes_max', 'seconds_max'],
  properties: {
    enabled: { type: 'boolean', default: true, description: 'Clients may delay messages. If not, 0x90.' },
    messages_max: {
      type: 'integer',
      minimum: 0,
      maximum: 10000000,
      default: 100000,
      description: 'Messages that wait, over all reactors. A further one is refused (0x97) and counted.',
    },
    bytes_max: {
      type: 'integer',
      minimum: 0,
      maximum: 68719476736,
      default: 67108864,
      description: 'Bytes of the messages that wait, overhead included.',
    },
    seconds_max: {
      type: 'integer',
      minimum: 1,
      maximum: 4294967295,
      default: 4294967,
      description: 'Longest delay, seconds. A message with a longer one is refused (0x90).',
    },
  },
} as const;

export const REWRITE_SCHEMA = {
  type: 'object',
  description: 'Rewriting of topics. The first rule about a topic decides. See [mqtt-extensions.md](../mqtt-extensions.md).',
  required: ['publish', 'subscribe', 'both'],
  properties: {
    publish: {
      type: 'array',
      items: { type: 'string', pattern: '^\\S+ \\S+ \\S+$' },
      default: [],
      description:
        'Rules for what is published, each `filter pattern topic`, as in `x/# ^x/y/(.+)$ z/y/$1`; `%c` and `%u` stand for client id and user name.',
    },
    subscribe: {
      type: 'array',
      items: { type: 'string', pattern: '^\\S+ \\S+ \\S+$' },
      default: [],
      description: 'The same for the filters that are subscribed to and unsubscribed from.',
    },
    both: {
      type: 'array',
      items: { type: 'string', pattern: '^\\S+ \\S+ \\S+$' },
      default: [],
      description: 'Rules for both, behind the others.',
    },
  },
} as const;

export const AUTO_SUBSCRIBE_SCHEMA = {
  type: 'array',
  items: { type: 'string', pattern: '^\\S+( (qos=[012]|no_local|retain_as_published|retain_handling=[012]))*$' },
  default: [],
  description:
    'Filters that every client is subscribed to when it connects, each with `qos=1`, `no_local`, `retain_as_published`, `retain_handling=1` behind it as needed; `%c` and `%u` stand for client id and user name.',
} as const;
