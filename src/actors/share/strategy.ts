/** How a shared subscription chooses the member that gets a message. */

export const SHARE_STRATEGIES = ['round_robin', 'random', 'sticky', 'hash_client', 'hash_topic', 'local_first'] as const;

/**
 * - `round_robin`: each in turn
 * - `random`: any
 * - `sticky`: always the same, until it leaves
 * - `hash_client`: by the publisher's client id, so what one client publishes stays together
 * - `hash_topic`: by the topic name
 * - `local_first`: in turn among those on the publisher's reactor, which spares a hop; all others only if there is none
 */
export type ShareStrategy = (typeof SHARE_STRATEGIES)[number];

export interface ShareSettings {
  readonly strategy: ShareStrategy;
  /** For single groups, by the name after `$share/`. */
  readonly groups: ReadonlyMap<string, ShareStrategy>;
}

export const SHARE_DEFAULTS: ShareSettings = { strategy: 'round_robin', groups: new Map() };

export function strategyOf({ strategy, groups }: ShareSettings, group: string): ShareStrategy {
  return groups.get(group) ?? strategy;
}

/** FNV-1a: the same on every reactor. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
