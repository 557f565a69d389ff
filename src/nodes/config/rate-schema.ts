/** The keys of `mqtt.rate` and `mqtt.flapping`: how fast clients may be. */

export const RATE_SCHEMA = {
  type: 'object',
  description:
    'How fast clients may connect and send; 0 is no limit. Who is too fast is not read until it is within its rate again.',
  required: ['client_messages', 'client_bytes', 'listener_messages', 'listener_bytes', 'listener_connects'],
  properties: {
    client_messages: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000000,
      default: 0,
      description: 'Messages that a client may publish in a second, and at once after a rest.',
    },
    client_bytes: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000000,
      default: 0,
      description: 'Bytes that a client may send in a second, and at once after a rest.',
    },
    listener_messages: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000000,
      default: 0,
      description: 'Messages in a second of all clients of a listener together.',
    },
    listener_bytes: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000000,
      default: 0,
      description: 'Bytes in a second of all clients of a listener together.',
    },
    listener_connects: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000000,
      default: 0,
      description:
        'Connections in a second to a listener; further ones wait, up to `mqtt.handshake_timeout_ms`, before anything is read of them.',
    },
  },
} as const;

export const FLAPPING_SCHEMA = {
  type: 'object',
  description: 'Clients that connect over and over are banned for a time.',
  required: ['connects', 'window_s', 'ban_s'],
  properties: {
    connects: {
      type: 'integer',
      minimum: 0,
      maximum: 1000000,
      default: 0,
      description: 'Connects of one client id within the window that are too many. 0 turns it off.',
    },
    window_s: { type: 'integer', minimum: 1, maximum: 86400, default: 60, description: 'Length of the window, seconds.' },
    ban_s: { type: 'integer', minimum: 1, maximum: 31536000, default: 300, description: 'Length of the ban, seconds.' },
  },
} as const;
