/** What a configuration that has been read again changes: the keys that can change while the node runs, and those that need a restart. Pure. */
import type { ConfigSetting } from './load.ts';
import type { Config } from './schema.ts';

/** Keys, and sections with a dot behind, that are put into force while the node runs. */
const RELOADABLE: readonly string[] = [
  'log.level',
  'alarms.',
  'mqtt.rewrite.',
  'mqtt.auto_subscribe',
  'mqtt.exclusive_available',
  'mqtt.delayed.',
  'mqtt.payload_schemas',
  'mqtt.bridges',
  'mqtt.connections_max',
  'mqtt.handshakes_max',
  'mqtt.handshake_timeout_ms',
  'mqtt.connect_timeout_ms',
  'mqtt.max_packet_bytes',
  'mqtt.inflight_max',
  'mqtt.keep_alive_max_s',
  'mqtt.session_expiry_max_s',
  'mqtt.subscriptions_max',
  'mqtt.qos_max',
  'mqtt.wildcards_available',
  'mqtt.subscription_ids_available',
  'mqtt.topic_aliases_out_max',
  'mqtt.payload_format_check',
  'mqtt.response_information',
  'mqtt.client_id.',
  'mqtt.redirect.',
  'mqtt.queue.',
  'mqtt.output.',
  'mqtt.rate.',
  'mqtt.flapping.',
  'mqtt.topic_levels_max',
  'mqtt.shared.',
  'mqtt.retained.',
  'mqtt.sys_interval_s',
];

export interface ConfigChange {
  /** Keys whose new values hold from now on. */
  readonly applied: readonly string[];
  /** Keys whose new values need a restart: what was before stays. */
  readonly refused: readonly string[];
  /** The settings that hold from now on. */
  readonly settings: readonly ConfigSetting[];
}

/** Of a listener's table, what can change while it listens. */
const LISTENER_RELOADABLE: readonly string[] = ['limits', 'rate'];

export function isReloadable(path: string): boolean {
  return RELOADABLE.some((each) => path === each || (each.endsWith('.') && path.startsWith(each)));
}

/** `isReloadable`, or a list of the same listeners with other limits. */
function mayBecome(path: string, before: unknown, after: unknown): boolean {
  if (path !== 'mqtt.listeners') return isReloadable(path);
  return JSON.stringify(before, withoutLimits) === JSON.stringify(after, withoutLimits);
}

function withoutLimits(key: string, value: unknown): unknown {
  return LISTENER_RELOADABLE.includes(key) ? undefined : value;
}

/** Both lists are in the order of the schema. */
export function changeOf(before: readonly ConfigSetting[], after: readonly ConfigSetting[]): ConfigChange {
  const taken = after.map(({ key, value }, index) => mayBecome(key.path, before[index]!.value, value));
  const isChanged = (index: number): boolean => JSON.stringify(after[index]!.value) !== JSON.stringify(before[index]!.value);
  const pathsOf = (wanted: boolean): string[] =>
    after.flatMap(({ key }, index) => (isChanged(index) && taken[index] === wanted ? [key.path] : []));
  return {
    applied: pathsOf(true),
    refused: pathsOf(false),
    settings: after.map((setting, index) => (taken[index] ? setting : before[index]!)),
  };
}

/** `before` with the values of `after` where they can change. */
export function reloadedConfig(before: Config, after: Config): Config {
  const merge = (old: unknown, fresh: unknown, path: string): unknown => {
    if (mayBecome(path, old, fresh)) return fresh;
    if (typeof old !== 'object' || old === null || Array.isArray(old)) return old;
    const section = fresh as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(old).map(([name, value]) => [name, merge(value, section[name], path === '' ? name : `${path}.${name}`)]),
    );
  };
  return merge(before, after, '') as Config;
}
