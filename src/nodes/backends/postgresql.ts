/** Users and rules in PostgreSQL. */
import { Pool } from 'pg';
import type { Rule } from '../../actors/access/messages.ts';
import type { Config } from '../config/schema.ts';
import { rulesOfRows, Turnstile, type UserRow, type UserStore, userRow } from './back-end.ts';
import { fillQuery, type TemplateValues } from './template.ts';

type Settings = Config['backend']['postgresql'];
const IDLE_MS_MAX = 60_000;

export class PostgresqlStore implements UserStore {
  readonly #settings: Settings;
  readonly #pool: Pool;
  readonly #turnstile = new Turnstile();

  constructor(settings: Settings, timeoutMs: number) {
    this.#settings = settings;
    this.#pool = new Pool({
      connectionString: settings.url,
      max: settings.connections_max,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      statement_timeout: timeoutMs,
      idleTimeoutMillis: IDLE_MS_MAX,
    });
    // An idle connection has broken; the next question opens another and hears of it if that fails.
    this.#pool.on('error', () => undefined);
  }

  async findUser(values: TemplateValues): Promise<UserRow | undefined> {
    const [row] = await this.#rows(this.#settings.auth_query, values);
    return row === undefined ? undefined : userRow(row);
  }

  async findRules(values: TemplateValues): Promise<readonly Rule[]> {
    return rulesOfRows(await this.#rows(this.#settings.acl_query, values));
  }

  close(): Promise<void> {
    return this.#pool.end().catch(() => undefined);
  }

  #rows(template: string, values: TemplateValues): Promise<Record<string, unknown>[]> {
    const { text, parameters } = fillQuery(template, values, (n) => `$${n}`);
    return this.#turnstile.pass(async () => (await this.#pool.query(text, [...parameters])).rows as Record<string, unknown>[]);
  }
}
