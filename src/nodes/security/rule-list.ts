/** The built-in rules: an ordered list, each with an id, that is kept as a whole. The first rule that fits decides, so the order matters. */
import type { Rule } from '../../actors/access/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { ACL_RULES_MAX } from '../../base/limits.ts';
import { readRule } from '../access/rule-schema.ts';
import type { DocumentStore } from './document-store.ts';
import { KeptEntries } from './kept-entries.ts';

export interface ListedRule {
  readonly id: number;
  readonly rule: Rule;
}

/** What is kept. */
interface Listed {
  /** No id up to this one is used again. */
  readonly lastId: number;
  readonly rules: readonly ListedRule[];
}

/** The name of the only entry. */
const ALL = 'all';
const NONE: Listed = { lastId: 0, rules: [] };

export class RuleList {
  readonly kept: KeptEntries<Listed>;

  /** `onChange` puts the rules into force; throws when the store holds something else than rules. */
  constructor(store: DocumentStore, onChange: (rules: readonly Rule[]) => Promise<void>, isShared = false) {
    this.kept = new KeptEntries<Listed>({
      store,
      document: 'rules',
      isShared,
      read: readDocument,
      write: (entries) => entries.get(ALL)?.rules ?? [],
      parse: (value) => readListed(value),
      onChange: () => onChange(this.rules),
    });
  }

  get #listed(): readonly ListedRule[] {
    return this.kept.entries.get(ALL)?.rules ?? [];
  }

  get rules(): readonly Rule[] {
    return this.#listed.map(({ rule }) => rule);
  }

  /** Up to `limit` rules behind the one at `after` (0: from the first), in their order. */
  list(after: number, limit: number): { readonly rules: readonly ListedRule[]; readonly next: number | undefined } {
    const end = after + limit;
    return { rules: this.#listed.slice(after, end), next: end < this.#listed.length ? end : undefined };
  }

  /** Inserts before the rule at `position` (from 0), or at the end. Resolves with the new id when it is in force. */
  async add(rule: Rule, position: number = Number.POSITIVE_INFINITY): Promise<number> {
    let id = 0;
    await this.#change(({ lastId, rules }) => {
      if (rules.length >= ACL_RULES_MAX)
        throw new SluiceError('SLUICE_SECURITY_LIMIT', `there are ${ACL_RULES_MAX} rules already`);
      id = lastId + 1;
      return { lastId: id, rules: [...rules.slice(0, position), { id, rule }, ...rules.slice(position)] };
    });
    return id;
  }

  /** False when there is no such rule. */
  remove(id: number): Promise<boolean> {
    return this.#change(({ lastId, rules }) => {
      const rest = rules.filter((each) => each.id !== id);
      return rest.length === rules.length ? undefined : { lastId, rules: rest };
    });
  }

  async replaceAll(rules: readonly Rule[]): Promise<void> {
    await this.#change(({ lastId }) => ({
      lastId: lastId + rules.length,
      rules: rules.map((rule, i) => ({ id: lastId + 1 + i, rule })),
    }));
  }

  #change(change: (listed: Listed) => Listed | undefined): Promise<boolean> {
    return this.kept.update(ALL, (before = NONE) => change(before));
  }
}

function readDocument(document: unknown): Map<string, Listed> {
  if (document === undefined) return new Map();
  const rules = Array.isArray(document) ? (document as readonly ListedRule[]) : [];
  const listed = readListed({ lastId: Array.isArray(document) ? lastIdOf(rules) : -1, rules });
  if (listed === undefined) throw new SluiceError('SLUICE_SECURITY_STORE', 'the stored rules are not what this version writes');
  return new Map(listed.rules.length === 0 ? [] : [[ALL, listed]]);
}

function readListed(value: unknown): Listed | undefined {
  const { lastId, rules } = (value ?? {}) as Partial<Listed>;
  if (!Number.isSafeInteger(lastId) || lastId! < 0 || !Array.isArray(rules)) return undefined;
  const isSound = (rules as readonly (Partial<ListedRule> | null)[]).every(
    (each) => Number.isSafeInteger(each?.id) && typeof readRule(each?.rule) !== 'string',
  );
  return isSound ? { lastId: lastId!, rules } : undefined;
}

function lastIdOf(rules: readonly (Partial<ListedRule> | null)[]): number {
  return rules.reduce((max, each) => Math.max(max, each?.id ?? 0), 0);
}
