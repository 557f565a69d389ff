/**
 * What speaks to other systems with a large library of its own. Loaded only where the configuration asks for it: all of them together are half of what a node reads
 * at its start.
 */

import { chainPlan } from '../auth/chains.ts';
import type { AuthLink } from '../auth/link.ts';
import type { Config } from '../config/schema.ts';
import type { UserStore } from './back-end.ts';

export type StoreName = 'mysql' | 'postgresql' | 'redis';

export interface Drivers {
  /** Of the stores that have an address. */
  readonly stores: ReadonlyMap<StoreName, () => UserStore>;
  /** Undefined: no chain has such a link. */
  readonly jwt: (() => AuthLink) | undefined;
}

export async function loadDrivers(config: Config): Promise<Drivers> {
  const { auth, backend } = config;
  const stores = new Map<StoreName, () => UserStore>();
  if (backend.mysql.url !== '') {
    const { MysqlStore } = await import('./mysql.ts');
    stores.set('mysql', () => new MysqlStore(backend.mysql, auth.timeout_ms));
  }
  if (backend.postgresql.url !== '') {
    const { PostgresqlStore } = await import('./postgresql.ts');
    stores.set('postgresql', () => new PostgresqlStore(backend.postgresql, auth.timeout_ms));
  }
  if (backend.redis.url !== '') {
    const { RedisStore } = await import('./redis.ts');
    stores.set('redis', () => new RedisStore(backend.redis, auth.timeout_ms));
  }
  if (![...chainPlan(config).values()].some((links) => links.includes('jwt'))) return { stores, jwt: undefined };
  const { JwtLink } = await import('../auth/links/jwt.ts');
  return { stores, jwt: () => new JwtLink(backend.jwt, auth.timeout_ms) };
}
