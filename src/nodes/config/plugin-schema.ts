/** The keys of `plugin`: a module of the operator. See [plugins.md](../plugins.md). */

const ASKED = ['onConnect', 'onSubscribe', 'onPublish'] as const;

export const PLUGIN_SCHEMA = {
  type: 'object',
  description:
    'A module of the operator whose hooks are asked and told, on a thread of its own. See [plugins.md](../plugins.md).',
  required: ['module', 'settings', 'publish_filters', 'timeout_ms', 'fail_open', 'hang_ms', 'memory_mb'],
  properties: {
    module: { type: 'string', default: '', description: 'Path of the module, an ES or CommonJS one; empty for none.' },
    settings: { type: 'string', default: '', description: 'Text that is given to its `start`.' },
    publish_filters: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      default: ['#'],
      description: 'Topics whose messages `onPublish` is asked about. Others pay nothing.',
    },
    timeout_ms: {
      type: 'integer',
      minimum: 1,
      maximum: 60000,
      default: 1000,
      description: 'For an answer. A hook that is later has failed.',
    },
    fail_open: {
      type: 'array',
      items: { type: 'string', enum: ASKED as typeof ASKED },
      uniqueItems: true,
      default: [],
      description:
        'Hooks that let through what they would have decided about when they fail. The others refuse. For `onAuthorize` it is `acl.on_error` that says.',
    },
    hang_ms: {
      type: 'integer',
      minimum: 1000,
      maximum: 600000,
      default: 5000,
      description: 'A plugin that has blocked its thread for so long is ended and started again.',
    },
    memory_mb: {
      type: 'integer',
      minimum: 16,
      maximum: 65536,
      default: 256,
      description: 'Heap of its thread, MiB. A plugin that wants more is ended and started again.',
    },
  },
} as const;
