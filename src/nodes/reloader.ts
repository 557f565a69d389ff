/** Reads the configuration, and the files of users and rules, again while the node runs: on SIGHUP and by `POST /api/v1/config/reload`. */
import type { FastifyInstance } from 'fastify';
import type { PayloadSchema } from '../actors/payload/schema.ts';
import { bridgeSpecs } from './bridge/bridge-options.ts';
import type { ConfigSetting, LoadedConfig } from './config/load.ts';
import { changeOf, reloadedConfig } from './config/reload.ts';
import type { Config } from './config/schema.ts';
import { intakeOptions } from './extensions/intake-options.ts';
import { readPayloadSchemas } from './extensions/payload-schemas.ts';
import { listenerSpecs } from './listeners/specs.ts';
import type { Log } from './log.ts';

export interface ReloadReport {
  readonly applied: readonly string[];
  readonly refused: readonly string[];
}

export interface ReloadParts {
  /** Reads it again from where it came from; throws when it is bad. */
  readonly read: () => LoadedConfig;
  /** Puts it into force. */
  readonly apply: (config: Config, schemas: readonly PayloadSchema[]) => Promise<void>;
  readonly reloadSecurity: (config: Config) => Promise<void>;
  readonly log: Log;
}

export class Reloader {
  readonly #parts: ReloadParts;
  /** What holds now. */
  config: Config;
  settings: readonly ConfigSetting[];

  constructor(config: Config, settings: readonly ConfigSetting[], parts: ReloadParts) {
    this.config = config;
    this.settings = settings;
    this.#parts = parts;
  }

  /** Rejects, and everything stays as it was, when the configuration or a file is bad. */
  async reload(): Promise<ReloadReport> {
    const { read, apply, reloadSecurity, log } = this.#parts;
    const fresh = read();
    const config = reloadedConfig(this.config, fresh.config);
    intakeOptions(config, 1); // rules that make no sense
    listenerSpecs(config, 1);
    bridgeSpecs(config);
    const schemas = await readPayloadSchemas(config);
    await reloadSecurity(config);
    const { applied, refused, settings } = changeOf(this.settings, fresh.settings);
    this.config = config;
    this.settings = settings;
    await apply(config, schemas);
    for (const key of refused) log.warn({ key }, 'a changed key needs a restart, what was before stays');
    if (applied.length > 0) log.info({ keys: applied }, 'changed keys are in force');
    log.info('the files of users and rules were read again');
    return { applied, refused };
  }

  addRoutes(app: FastifyInstance): void {
    app.post('/api/v1/config/reload', () => this.reload());
  }
}
