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
  'mqtt.retained.message_bytes_max',
  'mqtt.retained.expiry_s',
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

export function isReloadable(path: string): boolean {
  return RELOADABLE.some((each) => path === each || (each.endsWith('.') && path.startsWith(each)));
}

/** Both lists are in the order of the schema. */
export function changeOf(before: readonly ConfigSetting[], after: readonly ConfigSetting[]): ConfigChange {
  const changed = after.filter(({ value }, index) => JSON.stringify(value) !== JSON.stringify(before[index]!.value));
  const pathsOf = (wanted: boolean): string[] =>
    changed.filter(({ key }) => isReloadable(key.path) === wanted).map(({ key }) => key.path);
  return {
    applied: pathsOf(true),
    refused: pathsOf(false),
    settings: after.map((setting, index) => (isReloadable(setting.key.path) ? setting : before[index]!)),
  };
}

/** `before` with the values of `after` where they can change. */
export function reloadedConfig(before: Config, after: Config): Config {
  const merge = (old: unknown, fresh: unknown, path: string): unknown => {
    if (isReloadable(path)) return fresh;
    if (typeof old !== 'object' || old === null || Array.isArray(old)) return old;
    const section = fresh as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(old).map(([name, value]) => [name, merge(value, section[name], path === '' ? name : `${path}.${name}`)]),
    );
  };
  return merge(before, after, '') as Config;
}
