/** Users and rules in Redis: a hash for each user, and one with its topics. */
import { Redis } from 'ioredis';
import type { Rule } from '../../actors/access/messages.ts';
import type { Config } from '../config/schema.ts';
import { BackEndError } from '../security/failure-log.ts';
import { rulesOfRows, Turnstile, textOf, type UserRow, type UserStore, userRow } from './back-end.ts';
import { fillCommand, type TemplateValues } from './template.ts';

type Settings = Config['backend']['redis'];
const RETRY_MS_MAX = 2000;

export class RedisStore implements UserStore {
  readonly #settings: Settings;
  readonly #redis: Redis;
  readonly #turnstile = new Turnstile();

  constructor(settings: Settings, timeoutMs: number) {
    this.#settings = settings;
    this.#redis = new Redis(settings.url, {
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      maxRetriesPerRequest: 1,
      retryStrategy: (attempt) => Math.min(50 * attempt, RETRY_MS_MAX),
    });
    // Whoever asks hears of it.
    this.#redis.on('error', () => undefined);
  }

  async findUser(values: TemplateValues): Promise<UserRow | undefined> {
    const [command, key, ...names] = fillCommand(this.#settings.auth_command, values);
    const fields = command === 'HMGET' ? pairUp(names, await this.#call('hmget', key!, names)) : await this.#hash(key!);
    return textOf(fields.password_hash) === undefined ? undefined : userRow(fields);
  }

  async findRules(values: TemplateValues): Promise<readonly Rule[]> {
    const [, key] = fillCommand(this.#settings.acl_command, values);
    const topics = Object.entries(await this.#hash(key!));
    return rulesOfRows(topics.map(([topic, action]) => ({ permission: 'allow', action, topic })));
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  async #hash(key: string): Promise<Record<string, unknown>> {
    const answer = await this.#call('hgetall', key, []);
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw nonsense();
    return answer as Record<string, unknown>;
  }

  #call(command: 'hmget' | 'hgetall', key: string, names: readonly string[]): Promise<unknown> {
    return this.#turnstile.pass<unknown>(() =>
      command === 'hmget' ? this.#redis.hmget(key, ...names) : this.#redis.hgetall(key),
    );
  }
}

function pairUp(names: readonly string[], answer: unknown): Record<string, unknown> {
  if (!Array.isArray(answer) || answer.length !== names.length) throw nonsense();
  return Object.fromEntries(names.map((name, i) => [name, answer[i] as unknown]));
}

function nonsense(): BackEndError {
  return new BackEndError('its answer is not what was asked for');
}
