/**
 * The audit log: one JSON object a line for each administrative action, with who, from where, what, and how it ended. Never what was sent: bodies hold passwords.
 *
 * Bounds: a file of `bytesMax` becomes `audit.log.1`, that one `audit.log.2`, and so on; `filesMax` files are kept. AUDIT_WAITING_MAX entries wait for the disk.
 */
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AUDIT_WAITING_MAX } from '../../base/limits.ts';
import { errorFields, type Log } from '../log.ts';

export interface AuditEntry {
  readonly who: string;
  readonly from: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface AuditOptions {
  readonly folder: string;
  readonly bytesMax: number;
  readonly filesMax: number;
}

export class AuditLog {
  readonly #options: AuditOptions;
  readonly #file: string;
  readonly #log: Log;
  readonly #now: () => Date;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #bytes: number | undefined;

  constructor(options: AuditOptions, log: Log, now: () => Date = () => new Date()) {
    this.#options = options;
    this.#file = join(options.folder, 'audit.log');
    this.#log = log;
    this.#now = now;
  }

  record(entry: AuditEntry): void {
    if (this.#options.bytesMax === 0) return;
    if (this.#waiting.length >= AUDIT_WAITING_MAX) {
      this.#log.error({ path: entry.path }, 'an entry of the audit log is lost: too many wait');
      return;
    }
    this.#waiting.push(`${JSON.stringify({ ts: this.#now().toISOString(), ...entry })}\n`);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything recorded so far is written. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        await this.#append(lines.join(''));
      } catch (error) {
        this.#log.error({ lost: lines.length, ...errorFields(error) }, 'the audit log cannot be written');
      }
    }
  }

  async #append(text: string): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true });
    this.#bytes ??= await sizeOf(this.#file);
    if (this.#bytes > 0 && this.#bytes + Buffer.byteLength(text) > this.#options.bytesMax) await this.#rotate();
    await appendFile(this.#file, text, { mode: 0o600 });
    this.#bytes = (this.#bytes ?? 0) + Buffer.byteLength(text);
  }

  async #rotate(): Promise<void> {
    const nameOf = (index: number): string => (index === 0 ? this.#file : `${this.#file}.${index}`);
    const { filesMax } = this.#options;
    await rm(nameOf(filesMax - 1), { force: true });
    for (let index = filesMax - 2; index >= 0; index--) {
      await rename(nameOf(index), nameOf(index + 1)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    this.#bytes = 0;
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
