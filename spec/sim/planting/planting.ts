/** A loader hook: the module of an edit is loaded with the edit in it. Runs beside the program that it prepares (plant.ts). */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { edited, type Mutant } from './mutant.ts';

let planted: Mutant | undefined;

export function initialize(mutant: Mutant): void {
  planted = mutant;
}

interface Loaded {
  readonly format: string;
  readonly shortCircuit?: boolean;
  readonly source?: string;
}

export async function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> {
  const edits = planted?.edits.filter(({ file }) => url.endsWith(`/dist/${file}`)) ?? [];
  if (edits.length === 0) return next(url, context);
  let source = await readFile(fileURLToPath(url), 'utf8');
  for (const edit of edits) source = edited(source, edit, planted!.name);
  return { format: 'module', shortCircuit: true, source };
}
