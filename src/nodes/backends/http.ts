/**
 * A web service that is asked who a client is and what it may do.
 *
 *   200 {"result": "allow" | "deny" | "ignore", "is_superuser"?, "username"?, "groups"?, "acl"?, "expire_at"?}      204 allow      401, 403 deny
 *
 * Anything else is no answer. `acl` is a list of access rules, `expire_at` in seconds since the epoch.
 */
import type { PermitReply, Rule } from '../../actors/access/messages.ts';
import { USER_GROUPS_MAX } from '../../base/limits.ts';
import { readRules } from '../access/rule-schema.ts';
import type { Grant } from '../auth/link.ts';
import type { Config } from '../config/schema.ts';
import { BackEndError } from '../security/failure-log.ts';
import { type HttpAnswer, HttpClient } from './http-client.ts';
import { fill, inJson, inUrl, type TemplateValues } from './template.ts';

type Settings = Config['backend']['http'];
export type HttpResult = 'allow' | 'deny' | 'ignore';

export class HttpBackEnd {
  readonly #settings: Settings;
  readonly #client: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #isJson: boolean;

  constructor(settings: Settings, timeoutMs: number) {
    this.#settings = settings;
    this.#client = new HttpClient(settings.connections_max, timeoutMs);
    this.#headers = Object.fromEntries(settings.headers.map((line) => splitHeader(line)));
    const type = Object.entries(this.#headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
    this.#isJson = type.includes('json');
  }

  async authenticate(values: TemplateValues, signal: AbortSignal): Promise<{ result: HttpResult; grant: Grant }> {
    const answer = await this.#ask(this.#settings.auth_url, this.#settings.auth_body, values, signal);
    const { result, fields } = resultOf(answer);
    return { result, grant: result === 'allow' ? grantOf(fields) : {} };
  }

  async permit(values: TemplateValues): Promise<PermitReply['verdict']> {
    return resultOf(await this.#ask(this.#settings.acl_url, this.#settings.acl_body, values)).result;
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  #ask(url: string, body: string, values: TemplateValues, signal?: AbortSignal): Promise<HttpAnswer> {
    const question = {
      url: fill(url, values, inUrl),
      method: this.#settings.method === 'get' ? ('GET' as const) : ('POST' as const),
      headers: this.#headers,
      body: fill(body, values, this.#isJson ? inJson : inUrl),
    };
    return this.#client.ask(question, signal);
  }
}

function splitHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(': ');
  return [line.slice(0, colon), line.slice(colon + 2)];
}

function resultOf({ status, body }: HttpAnswer): { readonly result: HttpResult; readonly fields: Record<string, unknown> } {
  if (status === 204) return { result: 'allow', fields: {} };
  if (status === 401 || status === 403) return { result: 'deny', fields: {} };
  if (status !== 200) throw new BackEndError(`it answered with status ${status}`);
  const fields = parseObject(body);
  const { result } = fields;
  if (result !== 'allow' && result !== 'deny' && result !== 'ignore') throw new BackEndError('its answer has no result');
  return { result, fields };
}

function parseObject(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new BackEndError('its answer is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BackEndError('its answer is not an object');
  return value as Record<string, unknown>;
}

function grantOf({ is_superuser: superuser, username, groups, acl, expire_at: expireAt }: Record<string, unknown>): Grant {
  return {
    superuser: superuser === true,
    ...(typeof username === 'string' && username !== '' ? { username } : {}),
    ...(groups === undefined ? {} : { groups: groupsOf(groups) }),
    ...(acl === undefined ? {} : { rules: rulesOf(acl) }),
    ...(typeof expireAt === 'number' ? { expiresAt: expireAt * 1000 } : {}),
  };
}

function groupsOf(value: unknown): readonly string[] {
  const isSound = Array.isArray(value) && value.length <= USER_GROUPS_MAX && value.every((each) => typeof each === 'string');
  if (!isSound) throw new BackEndError('its groups are not a list of names');
  return value as string[];
}

function rulesOf(value: unknown): readonly Rule[] {
  const rules = readRules(value);
  if (typeof rules === 'string') throw new BackEndError('its rules are not rules');
  return rules;
}
