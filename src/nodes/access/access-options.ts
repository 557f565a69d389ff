/** From the configuration to what a reactor's policy is made of. */
import type { FlappingOptions } from '../../actors/access/flapping.ts';
import type { AccessOptions } from '../../actors/access/policy.ts';
import type { RuleSource, SourceKind } from '../../actors/access/rights.ts';
import type { Config } from '../config/schema.ts';

const KINDS: Readonly<Record<Config['acl']['sources'][number], SourceKind>> = {
  file: 'book',
  builtin: 'book',
  jwt: 'claims',
  mysql: 'fetched',
  postgresql: 'fetched',
  redis: 'fetched',
  http: 'asked',
  plugin: 'asked',
};

export function ruleSources({ acl }: Config): readonly RuleSource[] {
  const names = acl.sources.length === 0 && (acl.file !== '' || acl.files.length > 0) ? (['file'] as const) : acl.sources;
  return names.map((name) => ({ name, kind: KINDS[name] }));
}

/** Whether rules in memory may not be enough, so that main has to be asked. */
export function asksBackEnds(config: Config): boolean {
  return ruleSources(config).some(({ name, kind }) => name !== 'plugin' && (kind === 'fetched' || kind === 'asked'));
}

/** Null: nobody counts. */
export function flappingOptions({ mqtt }: Config): FlappingOptions | null {
  const { connects, window_s } = mqtt.flapping;
  return connects === 0 ? null : { connects, windowMs: window_s * 1000 };
}

export function accessOptions(config: Config): AccessOptions {
  const { acl } = config;
  return {
    sources: ruleSources(config),
    noMatch: acl.no_match,
    checksDeliveries: acl.check_deliveries,
    grantsSubscriptions: acl.grant_subscriptions,
    denyOnFailure: acl.on_error === 'deny',
    disconnectsOnDenial: acl.deny_action === 'disconnect',
    flapping: flappingOptions(config),
    cacheMs: acl.cache_s * 1000,
  };
}
