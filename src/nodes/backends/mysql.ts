/** Users and rules in MySQL or MariaDB. */
import { createPool, type Pool, type RowDataPacket } from 'mysql2/promise';
import type { Rule } from '../../actors/access/messages.ts';
import { BACKEND_QUESTIONS_MAX } from '../../base/limits.ts';
import type { Config } from '../config/schema.ts';
import { rulesOfRows, Turnstile, type UserRow, type UserStore, userRow } from './back-end.ts';
import { fillQuery, type TemplateValues } from './template.ts';

type Settings = Config['backend']['mysql'];

export class MysqlStore implements UserStore {
  readonly #settings: Settings;
  readonly #timeoutMs: number;
  readonly #pool: Pool;
  readonly #turnstile = new Turnstile();

  constructor(settings: Settings, timeoutMs: number) {
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
    this.#pool = createPool({
      uri: settings.url,
      connectionLimit: settings.connections_max,
      queueLimit: BACKEND_QUESTIONS_MAX,
      connectTimeout: timeoutMs,
    });
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

  /** A query that is late takes its connection with it, so the pool does not fill up with dead ones. */
  #rows(template: string, values: TemplateValues): Promise<RowDataPacket[]> {
    const { text, parameters } = fillQuery(template, values, () => '?');
    return this.#turnstile.pass(async () => {
      const [rows] = await this.#pool.query<RowDataPacket[]>({ sql: text, values: [...parameters], timeout: this.#timeoutMs });
      return rows;
    });
  }
}
