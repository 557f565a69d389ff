/** The keys of `backend`: services outside of the node that are asked about clients. */

export const BACKEND_SCHEMA = {
  type: 'object',
  description: 'Services that the links and sources of `auth` and `acl` ask. See [security.md](../security.md).',
  required: ['jwt', 'http', 'mysql', 'postgresql', 'redis', 'hash'],
  properties: {
    jwt: {
      type: 'object',
      description: 'JSON Web Tokens as credentials.',
      required: [
        'from',
        'secret',
        'public_key_file',
        'jwks',
        'jwks_refresh_s',
        'algorithms',
        'claims',
        'username_claim',
        'groups_claim',
        'acl_claim',
        'leeway_s',
      ],
      properties: {
        from: {
          type: 'string',
          enum: ['password', 'username'],
          default: 'password',
          description: 'The field of CONNECT that holds the token.',
        },
        secret: {
          type: 'string',
          default: '',
          secret: true,
          description: 'Shared secret of HS256, HS384 and HS512, as text; `base64:` in front of one in base64.',
        },
        public_key_file: {
          type: 'string',
          default: '',
          description: 'PEM file of the public key of RS, PS, ES or EdDSA tokens.',
        },
        jwks: {
          type: 'string',
          default: '',
          description:
            'Key set: a file, or an http(s) URL, which is read again when it is old or a token names a key that is not in it.',
        },
        jwks_refresh_s: {
          type: 'integer',
          minimum: 1,
          maximum: 86400,
          default: 300,
          description: 'How long a key set from a URL counts.',
        },
        algorithms: {
          type: 'array',
          items: {
            type: 'string',
            enum: [
              'HS256',
              'HS384',
              'HS512',
              'RS256',
              'RS384',
              'RS512',
              'PS256',
              'PS384',
              'PS512',
              'ES256',
              'ES384',
              'ES512',
              'EdDSA',
            ],
          },
          uniqueItems: true,
          default: [],
          description: 'Algorithms that are accepted; empty: HS with a secret, all others with a public key or a key set.',
        },
        claims: {
          type: 'array',
          items: { type: 'string', pattern: '^[^=]+=.*$' },
          default: [],
          description:
            'What a token must claim, each `name=value`; `%c` and `%u` in the value stand for client id and user name.',
        },
        username_claim: {
          type: 'string',
          default: '',
          description: 'Claim that is the user name from then on; empty: that of CONNECT.',
        },
        groups_claim: { type: 'string', default: 'groups', description: 'Claim with the groups of the user, a list.' },
        acl_claim: {
          type: 'string',
          default: 'acl',
          description: 'Claim with access rules for the source `jwt`: a list of rules, or `pub`, `sub` and `all` with topics.',
        },
        leeway_s: { type: 'integer', minimum: 0, maximum: 300, default: 0, description: 'By how much clocks may differ.' },
      },
    },
    http: {
      type: 'object',
      description: 'A web service.',
      required: ['auth_url', 'acl_url', 'method', 'headers', 'auth_body', 'acl_body', 'connections_max'],
      properties: {
        auth_url: {
          type: 'string',
          pattern: '^(https?://.+)?$',
          default: '',
          description:
            'Asked whether a client may connect. Placeholders such as `${clientid}` are replaced, here and in the body.',
        },
        acl_url: {
          type: 'string',
          pattern: '^(https?://.+)?$',
          default: '',
          description: 'Asked whether a client may publish or subscribe.',
        },
        method: { type: 'string', enum: ['post', 'get'], default: 'post', description: 'Request method; GET has no body.' },
        headers: {
          type: 'array',
          items: { type: 'string', pattern: '^[A-Za-z0-9-]+: .*$' },
          default: ['Content-Type: application/json'],
          secret: true,
          description: 'Headers of the request, each `Name: value`.',
        },
        auth_body: {
          type: 'string',
          default: '{"clientid":"${clientid}","username":"${username}","password":"${password}","peerhost":"${peerhost}"}',
          description: 'Body of the request of `auth_url`.',
        },
        acl_body: {
          type: 'string',
          default:
            '{"clientid":"${clientid}","username":"${username}","peerhost":"${peerhost}","action":"${action}","topic":"${topic}","qos":"${qos}","retain":"${retain}"}',
          description: 'Body of the request of `acl_url`.',
        },
        connections_max: { type: 'integer', minimum: 1, maximum: 1024, default: 16, description: 'Connections to the service.' },
      },
    },
    mysql: {
      type: 'object',
      description: 'MySQL or MariaDB.',
      required: ['url', 'auth_query', 'acl_query', 'connections_max'],
      properties: {
        url: {
          type: 'string',
          pattern: '^(mysql://.+)?$',
          default: '',
          secret: true,
          description: '`mysql://user:password@host:port/database`.',
        },
        auth_query: {
          type: 'string',
          default: 'SELECT password_hash, salt, is_superuser FROM mqtt_user WHERE username = ${username} LIMIT 1',
          description:
            'Query for the columns password_hash and, if there are such, salt, is_superuser and user_groups (names with commas between).',
        },
        acl_query: {
          type: 'string',
          default: 'SELECT permission, action, topic, qos, retain FROM mqtt_acl WHERE username = ${username} ORDER BY id',
          description: 'Query for the rules of a client in their order; qos and retain may be missing or NULL.',
        },
        connections_max: { type: 'integer', minimum: 1, maximum: 256, default: 8, description: 'Connections to the database.' },
      },
    },
    postgresql: {
      type: 'object',
      description: 'PostgreSQL.',
      required: ['url', 'auth_query', 'acl_query', 'connections_max'],
      properties: {
        url: {
          type: 'string',
          pattern: '^(postgres(ql)?://.+)?$',
          default: '',
          secret: true,
          description: '`postgresql://user:password@host:port/database`.',
        },
        auth_query: {
          type: 'string',
          default: 'SELECT password_hash, salt, is_superuser FROM mqtt_user WHERE username = ${username} LIMIT 1',
          description: 'As `backend.mysql.auth_query`.',
        },
        acl_query: {
          type: 'string',
          default: 'SELECT permission, action, topic, qos, retain FROM mqtt_acl WHERE username = ${username} ORDER BY id',
          description: 'As `backend.mysql.acl_query`.',
        },
        connections_max: { type: 'integer', minimum: 1, maximum: 256, default: 8, description: 'Connections to the database.' },
      },
    },
    redis: {
      type: 'object',
      description: 'Redis.',
      required: ['url', 'auth_command', 'acl_command'],
      properties: {
        url: {
          type: 'string',
          pattern: '^(rediss?://.+)?$',
          default: '',
          secret: true,
          description: '`redis://user:password@host:port/database`.',
        },
        auth_command: {
          type: 'string',
          pattern: '^(HMGET|HGETALL) .+$',
          default: 'HMGET mqtt_user:${username} password_hash salt is_superuser',
          description: 'Command for the fields password_hash and, if there are such, salt, is_superuser and user_groups.',
        },
        acl_command: {
          type: 'string',
          pattern: '^HGETALL .+$',
          default: 'HGETALL mqtt_acl:${username}',
          description: 'Command for a hash of topic filters with what is allowed there: publish, subscribe or all.',
        },
      },
    },
    hash: {
      type: 'object',
      description: 'How databases keep passwords.',
      required: ['algorithm', 'salt_position', 'iterations'],
      properties: {
        algorithm: {
          type: 'string',
          enum: ['auto', 'plain', 'sha256', 'sha512', 'pbkdf2-sha256', 'pbkdf2-sha512'],
          default: 'auto',
          description:
            '`auto` takes the forms of the users file, which name their algorithm and bring their salt. The others take password_hash in hexadecimal, or `plain`, and the column salt.',
        },
        salt_position: {
          type: 'string',
          enum: ['prefix', 'suffix'],
          default: 'prefix',
          description: 'Whether the salt stands before or behind the password in sha256 and sha512.',
        },
        iterations: {
          type: 'integer',
          minimum: 1,
          maximum: 10000000,
          default: 4096,
          description: 'Iterations of PBKDF2, whose salt is taken as text.',
        },
      },
    },
  },
} as const;
