/**
 * `--print-config`: every effective value with its source. The text form is itself a TOML file that gives the same values, but for secrets, which are not shown.
 */
import { type ConfigSetting, digestConfig, shownValue } from './load.ts';

/** JSON's strings, numbers and booleans are TOML's as well, but for DEL, which TOML wants escaped. */
function toToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toToml).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value).replaceAll('\x7f', '\\u007f');
  const entries = Object.entries(value).map(
    ([name, inner]) => `${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)} = ${toToml(inner)}`,
  );
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function describeSource(setting: ConfigSetting): string {
  const set = setting.source === 'default' ? 'default' : `${setting.source} ${JSON.stringify(setting.origin)}`;
  return `${set} · ${setting.key.environmentName}`;
}

export function printConfig(settings: readonly ConfigSetting[]): string {
  const left = settings.map((setting) => `${setting.key.path} = ${toToml(shownValue(setting))}`);
  const width = Math.min(56, Math.max(...left.map((text) => text.length)));
  const lines = settings.map((setting, i) => `${left[i]!.padEnd(width)}  # ${describeSource(setting)}`);
  return `# digest ${digestConfig(settings)}\n${lines.join('\n')}\n`;
}

export function printConfigJson(settings: readonly ConfigSetting[]): string {
  const keys = settings.map((setting) => {
    const { key, source, origin } = setting;
    const value = shownValue(setting);
    return [key.path, { value, source, origin, environment: key.environmentName, reserved: key.leaf.reserved === true }];
  });
  return `${JSON.stringify({ digest: digestConfig(settings), keys: Object.fromEntries(keys) })}\n`;
}
