/**
 * A few named documents that are replaced as a whole, in `node.data`: users, rules and bans of a node that has no metadata, and copies of them on one that has (kept-entries.ts).
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';

/** `shared`: whether users, rules and bans are copies of what the metadata has. */
export type DocumentName = 'users' | 'rules' | 'bans' | 'topic-metrics' | 'shared';

export interface DocumentStore {
  /** Undefined when it has never been written. Throws when it cannot be told what was. */
  read(name: DocumentName): unknown;
  /** Resolves when the document survives a crash; until then the one before it does. */
  write(name: DocumentName, document: unknown): Promise<void>;
}

/**
 * One JSON file for each document, readable for its owner alone. A write goes to a file beside it, which is synced and renamed, so that a crash leaves the one
 * or the other. Writes of one document that wait for the one under way are one: the last.
 */
export class FileDocumentStore implements DocumentStore {
  readonly #folder: string;
  readonly #pending = new Map<DocumentName, { document: unknown; done: Promise<void> }>();
  readonly #writing = new Map<DocumentName, Promise<void>>();

  constructor(dataFolder: string, folder: 'security' | 'extensions' = 'security') {
    this.#folder = join(dataFolder, folder);
  }

  read(name: DocumentName): unknown {
    const file = this.#file(name);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(file, (error as NodeJS.ErrnoException).code ?? 'error', error);
    }
    try {
      return JSON.parse(text);
    } catch {
      throw unreadable(file, 'it is not JSON'); // without the parser's words, which repeat the content
    }
  }

  write(name: DocumentName, document: unknown): Promise<void> {
    const waiting = this.#pending.get(name);
    if (waiting !== undefined) {
      waiting.document = document;
      return waiting.done;
    }
    const before = this.#writing.get(name) ?? Promise.resolve();
    const entry = { document, done: Promise.resolve() };
    entry.done = before
      .catch(() => undefined) // whoever asked for that one has heard
      .then(() => {
        this.#pending.delete(name);
        const writing = this.#replace(this.#file(name), entry.document);
        this.#writing.set(name, writing);
        return writing;
      });
    this.#pending.set(name, entry);
    return entry.done;
  }

  async #replace(file: string, document: unknown): Promise<void> {
    const draft = `${file}.new`;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const handle = await open(draft, 'w', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(document)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, file);
      await syncFolder(this.#folder);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      const cause = (error as NodeJS.ErrnoException).code ?? 'error';
      throw new SluiceError('SLUICE_SECURITY_STORE', `${JSON.stringify(file)} cannot be written: ${cause}`, { cause: error });
    }
  }

  #file(name: DocumentName): string {
    return join(this.#folder, `${name}.json`);
  }
}

/** Makes the rename itself last. Systems that cannot open folders have no need of it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, what: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_SECURITY_STORE', `${JSON.stringify(file)} cannot be read: ${what}`, { cause });
}
