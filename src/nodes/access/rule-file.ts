/**
 * The file of `acl.file`: rules of ours in TOML,
 *
 *   [[rule]]
 *   permission = "allow"
 *   action = "publish"
 *   topics = ["devices/%c/#"]
 *
 * or mosquitto's acl_file.
 */
import { readFileSync } from 'node:fs';
import { parse as parseToml, TomlError } from 'smol-toml';
import type { Rule } from '../../actors/access/messages.ts';
import { SluiceError } from '../../base/errors.ts';
import { parseMosquittoAcl } from './mosquitto-acl.ts';
import { readRules } from './rule-schema.ts';

function bad(file: string, what: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_ACL_FILE', `${JSON.stringify(file)} ${what}`, { cause });
}

function parseTomlRules(file: string, text: string): readonly Rule[] {
  let table: Record<string, unknown>;
  try {
    table = parseToml(text);
  } catch (error) {
    const where = error instanceof TomlError ? `line ${error.line}, column ${error.column}: ` : '';
    throw bad(file, `is not valid TOML: ${where}${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`, error);
  }
  const stranger = Object.keys(table).find((key) => key !== 'rule');
  if (stranger !== undefined) throw bad(file, `has ${JSON.stringify(stranger)}; there are only [[rule]] tables`);
  const rules = readRules(table.rule ?? []);
  if (typeof rules === 'string') throw bad(file, rules);
  return rules;
}

export function parseRuleFile(file: string, text: string): readonly Rule[] {
  if (file.endsWith('.toml')) return parseTomlRules(file, text);
  const rules = parseMosquittoAcl(text);
  if (Array.isArray(rules)) return rules;
  throw bad(file, `line ${rules.line} ${rules.what}`);
}

export function readRuleFile(file: string): readonly Rule[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw bad(file, `cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`, error);
  }
  return parseRuleFile(file, text);
}
