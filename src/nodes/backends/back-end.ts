/** What the back ends have in common: a bound on the questions that are under way, and what they know of a user or allow it. */
import type { Rule } from '../../actors/access/messages.ts';
import { BACKEND_QUESTIONS_MAX } from '../../base/limits.ts';
import { readRules } from '../access/rule-schema.ts';
import { BackEndError } from '../security/failure-log.ts';
import type { TemplateValues } from './template.ts';

/** Fields of a user, as texts; absent ones are undefined. */
export interface UserRow {
  readonly password_hash?: string | undefined;
  readonly salt?: string | undefined;
  readonly is_superuser?: string | undefined;
  /** Names with commas between. */
  readonly user_groups?: string | undefined;
}

/** A store of users and their rules. Rejects with whatever went wrong. */
export interface UserStore {
  /** Undefined when there is no such user. */
  findUser(values: TemplateValues): Promise<UserRow | undefined>;
  findRules(values: TemplateValues): Promise<readonly Rule[]>;
  close(): Promise<void>;
}

/** Lets so many questions be under way and refuses further ones: a back end that hangs costs no more than these. */
export class Turnstile {
  readonly #max: number;
  #inside = 0;

  constructor(max: number = BACKEND_QUESTIONS_MAX) {
    this.#max = max;
  }

  async pass<T>(question: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#max) throw new BackEndError('too many questions wait for it');
    this.#inside++;
    try {
      return await question();
    } finally {
      this.#inside--;
    }
  }
}

/** A column or field as text; null and missing are undefined. */
export function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

export function userRow(fields: Readonly<Record<string, unknown>>): UserRow {
  return {
    password_hash: textOf(fields.password_hash),
    salt: textOf(fields.salt),
    is_superuser: textOf(fields.is_superuser),
    user_groups: textOf(fields.user_groups),
  };
}

export function isTrue(text: string | undefined): boolean {
  return text === '1' || text === 'true' || text === 't';
}

/** Rows with permission, action, topic and perhaps qos and retain. */
export function rulesOfRows(rows: readonly Readonly<Record<string, unknown>>[]): readonly Rule[] {
  const rules = readRules(
    rows.map(({ permission, action, topic, qos, retain }) => ({
      permission: textOf(permission),
      action: textOf(action),
      ...(textOf(topic) === undefined ? {} : { topics: [textOf(topic)] }),
      ...(textOf(qos) === undefined ? {} : { qos: textOf(qos)!.split(',').map(Number) }),
      ...(textOf(retain) === undefined ? {} : { retain: isTrue(textOf(retain)) }),
    })),
  );
  // The words of the check may repeat what is in the table; they stay here.
  if (typeof rules === 'string') throw new BackEndError('its rules are not rules');
  return rules;
}
