/**
 * Bugs that are planted into the compiled code when it is loaded: production knows nothing of them. Each has to be found by a simulator; one that is not found shows a hole in it.
 */
export interface Edit {
  /** Below dist/. */
  readonly file: string;
  /** Exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
}

export function mutant(name: string, ...edits: readonly (readonly [file: string, find: string, replace: string])[]): Mutant {
  return { name, edits: edits.map(([file, find, replace]) => ({ file, find, replace })) };
}

/** The text of `file` with that edit. */
export function edited(text: string, { file, find, replace }: Edit, name: string): string {
  if (text.split(find).length !== 2) throw new Error(`${name}: not exactly once in ${file}: ${find}`);
  return text.replace(find, () => replace);
}
