/** The keys of `auth`: who may connect. */

/** What a link of a chain may be called. */
export const AUTH_LINKS = ['file', 'builtin', 'jwt', 'http', 'mysql', 'postgresql', 'redis', 'tls', 'anonymous', 'deny'] as const;
const LINK = AUTH_LINKS.join('|');
/** `name=link+link`. */
const CHAIN = `^[a-z][a-z0-9_-]{0,62}=(${LINK})([+](${LINK}))*$`;

export const AUTH_SCHEMA = {
  type: 'object',
  description: 'Who may connect. See [security.md](../security.md).',
  required: ['insecure', 'users_file', 'users_files', 'scram_file', 'chain', 'chains', 'on_error', 'timeout_ms', 'scrypt_log_n'],
  properties: {
    insecure: {
      type: 'boolean',
      default: false,
      description: 'Allow listeners off loopback although anyone who reaches them may do everything.',
    },
    users_file: {
      type: 'string',
      default: '',
      description:
        'File of `user:hash` lines, ours or those of mosquitto_passwd, for the link `file`. Alone it makes the chain `file`. Read again on SIGHUP.',
    },
    users_files: {
      type: 'array',
      items: { type: 'string', pattern: '^[a-z][a-z0-9_-]{0,62}=.+$' },
      uniqueItems: true,
      default: [],
      description: 'Such files for single chains of `auth.chains`, each `chain=file`: their link `file` looks there instead.',
    },
    scram_file: {
      type: 'string',
      default: '',
      description:
        'File of `user:SCRAM-SHA-256$…` lines (PostgreSQL’s form) for 5.0 clients that authenticate by SCRAM-SHA-256, which built-in users can as well.',
    },
    chain: {
      type: 'array',
      items: { type: 'string', enum: AUTH_LINKS as typeof AUTH_LINKS },
      uniqueItems: true,
      default: [],
      description:
        'Links that are asked in turn whether a client may connect; the first that allows or denies decides, and if none does, the client is refused. Empty, without `auth.users_file`: anybody may connect.',
    },
    chains: {
      type: 'array',
      items: { type: 'string', pattern: CHAIN as string },
      uniqueItems: true,
      default: [],
      description: 'Further chains, each `name=link+link`, for listeners that name one.',
    },
    on_error: {
      type: 'string',
      enum: ['deny', 'ignore'],
      default: 'deny',
      description: 'What a link that fails or does not answer in time means: the client is refused, or the next link is asked.',
    },
    timeout_ms: {
      type: 'integer',
      minimum: 10,
      maximum: 4500,
      default: 3000,
      description: 'Time that a link has for its answer.',
    },
    scrypt_log_n: {
      type: 'integer',
      minimum: 10,
      maximum: 18,
      default: 15,
      description:
        'Cost of the passwords that are given to built-in users: scrypt with N = 2 to this power, so each step doubles time and memory (15: some 50 ms, 32 MiB).',
    },
  },
} as const;
