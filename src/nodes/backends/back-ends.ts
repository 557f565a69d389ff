/** The back ends that the configuration asks for, each made when it is first wanted and shared by who wants it. */
import { SluiceError } from '../../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { UserStore } from './back-end.ts';
import { HttpBackEnd } from './http.ts';
import { MysqlStore } from './mysql.ts';
import { PostgresqlStore } from './postgresql.ts';
import { RedisStore } from './redis.ts';
import { unknownPlaceholder } from './template.ts';

export type StoreName = 'mysql' | 'postgresql' | 'redis';

export class BackEnds {
  readonly #config: Config;
  readonly #stores = new Map<StoreName, UserStore>();
  #http: HttpBackEnd | undefined;

  constructor(config: Config) {
    this.#config = config;
  }

  store(name: StoreName): UserStore {
    const store = this.#stores.get(name) ?? this.#makeStore(name);
    this.#stores.set(name, store);
    return store;
  }

  http(use: 'auth' | 'acl'): HttpBackEnd {
    const settings = this.#config.backend.http;
    checkTemplates('http', settings);
    if (settings[`${use}_url`] === '') throw missing(`backend.http.${use}_url`);
    this.#http ??= new HttpBackEnd(settings, this.#config.auth.timeout_ms);
    return this.#http;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((store) => store.close()));
    await this.#http?.close();
  }

  #makeStore(name: StoreName): UserStore {
    const { backend, auth } = this.#config;
    if (backend[name].url === '') throw missing(`backend.${name}.url`);
    checkTemplates(name, backend[name]);
    switch (name) {
      case 'mysql':
        return new MysqlStore(backend.mysql, auth.timeout_ms);
      case 'postgresql':
        return new PostgresqlStore(backend.postgresql, auth.timeout_ms);
      case 'redis':
        return new RedisStore(backend.redis, auth.timeout_ms);
    }
  }
}

function missing(key: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_BAD_VALUE', `${key} = "": not allowed, because auth or acl asks this back end`);
}

/** A placeholder that means nothing would be the empty text for every client. */
function checkTemplates(name: string, settings: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(settings)) {
    const isTemplate = key === 'auth_url' || key === 'acl_url' || /_(body|query|command)$/.test(key);
    const unknown = isTemplate && typeof value === 'string' ? unknownPlaceholder(value) : undefined;
    if (unknown === undefined) continue;
    throw new SluiceError('SLUICE_CONFIG_BAD_VALUE', `backend.${name}.${key}: there is no placeholder \${${unknown}}`);
  }
}
