/** The built-in rules: an ordered list, each with an id, kept in the document store. The first rule that fits decides, so the order matters. */
import type { Rule } from '../../actors/access/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { ACL_RULES_MAX } from '../../base/limits.ts';
import { readRule } from '../access/rule-schema.ts';
import type { DocumentStore } from './document-store.ts';

export interface ListedRule {
  readonly id: number;
  readonly rule: Rule;
}

export class RuleList {
  readonly #store: DocumentStore;
  readonly #onChange: (rules: readonly Rule[]) => Promise<void>;
  #listed: readonly ListedRule[];
  #lastId: number;

  /** `onChange` puts the rules into force; throws when the store holds something else than rules. */
  constructor(store: DocumentStore, onChange: (rules: readonly Rule[]) => Promise<void>) {
    this.#store = store;
    this.#onChange = onChange;
    this.#listed = readListed(store.read('rules'));
    this.#lastId = this.#listed.reduce((max, { id }) => Math.max(max, id), 0);
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
  async add(rule: Rule, position: number = this.#listed.length): Promise<number> {
    if (this.#listed.length >= ACL_RULES_MAX)
      throw new SluiceError('SLUICE_SECURITY_LIMIT', `there are ${ACL_RULES_MAX} rules already`);
    const id = ++this.#lastId;
    const at = Math.min(position, this.#listed.length);
    await this.#save([...this.#listed.slice(0, at), { id, rule }, ...this.#listed.slice(at)]);
    return id;
  }

  /** False when there is no such rule. */
  async remove(id: number): Promise<boolean> {
    const rest = this.#listed.filter((each) => each.id !== id);
    if (rest.length === this.#listed.length) return false;
    await this.#save(rest);
    return true;
  }

  async replaceAll(rules: readonly Rule[]): Promise<void> {
    await this.#save(rules.map((rule) => ({ id: ++this.#lastId, rule })));
  }

  async #save(listed: readonly ListedRule[]): Promise<void> {
    const before = this.#listed;
    this.#listed = listed;
    try {
      await this.#store.write('rules', listed);
    } catch (error) {
      if (this.#listed === listed) this.#listed = before;
      throw error;
    }
    await this.#onChange(this.rules);
  }
}

function readListed(document: unknown): readonly ListedRule[] {
  if (document === undefined) return [];
  const listed = Array.isArray(document) ? (document as Partial<ListedRule>[]) : [{}];
  const isSound = listed.every(({ id, rule }) => Number.isSafeInteger(id) && typeof readRule(rule) !== 'string');
  if (!isSound) throw new SluiceError('SLUICE_SECURITY_STORE', 'the stored rules are not what this version writes');
  return listed as readonly ListedRule[];
}
