/** The keys of `acl`: what clients may do. */

/** What a source of rules may be called. */
export const ACL_SOURCES = ['file', 'builtin', 'jwt', 'http', 'mysql', 'postgresql', 'redis', 'plugin'] as const;

export const ACL_SCHEMA = {
  type: 'object',
  description: 'What clients may publish and subscribe to. See [security.md](../security.md).',
  required: [
    'sources',
    'file',
    'files',
    'no_match',
    'on_error',
    'deny_action',
    'check_deliveries',
    'grant_subscriptions',
    'cache_s',
  ],
  properties: {
    sources: {
      type: 'array',
      items: { type: 'string', enum: ACL_SOURCES as typeof ACL_SOURCES },
      uniqueItems: true,
      default: [],
      description:
        'Sources of rules, asked in turn; the first rule that is about the client and what it does decides. Empty, without `acl.file`: everything is allowed.',
    },
    file: {
      type: 'string',
      default: '',
      description:
        'File of rules for the source `file`: TOML when its name ends in `.toml`, else the syntax of mosquitto’s acl_file. Alone it makes the sources `file`. Read again on SIGHUP.',
    },
    files: {
      type: 'array',
      items: { type: 'string', pattern: '^[a-z][a-z0-9_-]{0,62}=.+$' },
      uniqueItems: true,
      default: [],
      description:
        'Such files for the clients of single listeners, each `listener=file`. Their rules come before those of `acl.file`.',
    },
    no_match: {
      type: 'string',
      enum: ['loopback', 'allow', 'deny'],
      default: 'loopback',
      description:
        'When no rule is about what a client does: `loopback` allows it to clients of this machine and to no others. `deny` holds without sources too.',
    },
    on_error: {
      type: 'string',
      enum: ['deny', 'ignore'],
      default: 'deny',
      description: 'What a source that fails or does not answer in time means: no, or that the next source is asked.',
    },
    deny_action: {
      type: 'string',
      enum: ['ignore', 'disconnect'],
      default: 'ignore',
      description:
        'A client that publishes what it may not: its message is dropped (and refused with 0x87, where the protocol can say so), or it is disconnected.',
    },
    check_deliveries: {
      type: 'boolean',
      default: false,
      description:
        'Check the topic of every message against the rules for subscribing as well, so that a client may subscribe to `#` and gets what it may get. Costs nothing per message.',
    },
    grant_subscriptions: {
      type: 'boolean',
      default: false,
      description:
        'With `check_deliveries`: grant every subscription that is not shared, as mosquitto does, also one by which nothing will ever come.',
    },
    cache_s: {
      type: 'integer',
      minimum: 1,
      maximum: 86400,
      default: 60,
      description:
        'How long answers of `http`, `mysql`, `postgresql` and `redis` count, seconds. Rules in memory are in force at once.',
    },
  },
} as const;
