/** The back ends that the configuration asks for, each made when it is first wanted and shared by who wants it. */
import { SluiceError } from '../../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { UserStore } from './back-end.ts';
import type { Drivers, StoreName } from './drivers.ts';
import { HttpBackEnd } from './http.ts';
import { unknownPlaceholder } from './template.ts';

export class BackEnds {
  readonly #config: Config;
  readonly #drivers: Drivers['stores'];
  readonly #stores = new Map<StoreName, UserStore>();
  #http: HttpBackEnd | undefined;

  constructor(config: Config, drivers: Drivers['stores']) {
    this.#config = config;
    this.#drivers = drivers;
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
    const make = this.#drivers.get(name);
    if (make === undefined) throw missing(`backend.${name}.url`);
    checkTemplates(name, this.#config.backend[name]);
    return make();
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
