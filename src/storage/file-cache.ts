/** Files open for reading, the most recently used ones: how many segments a log has does not decide how many descriptors it takes. */
import type { Disk } from './disk.ts';

export class FileCache {
  readonly #disk: Disk;
  readonly #filesMax: number;
  /** In order of use, the least recent first. A file that is being read is not closed under its reader. */
  readonly #files = new Map<string, { readonly file: number; readers: number }>();

  constructor(disk: Disk, filesMax: number) {
    this.#disk = disk;
    this.#filesMax = filesMax;
  }

  get size(): number {
    return this.#files.size;
  }

  open(path: string): number {
    const known = this.#files.get(path);
    if (known !== undefined) {
      this.#files.delete(path);
      this.#files.set(path, known);
      return known.file;
    }
    const file = this.#disk.open(path, 'read');
    this.#files.set(path, { file, readers: 0 });
    this.#evict();
    return file;
  }

  /** Opens a file for a read that takes time; give it back by `release`. */
  hold(path: string): number {
    const file = this.open(path);
    this.#files.get(path)!.readers++;
    return file;
  }

  release(path: string): void {
    const known = this.#files.get(path);
    if (known !== undefined) known.readers--;
    this.#evict();
  }

  isHeld(path: string): boolean {
    return (this.#files.get(path)?.readers ?? 0) > 0;
  }

  /** The file is about to be removed. */
  close(path: string): void {
    const known = this.#files.get(path);
    if (known === undefined) return;
    this.#files.delete(path);
    this.#disk.close(known.file);
  }

  closeAll(): void {
    for (const path of [...this.#files.keys()]) this.close(path);
  }

  #evict(): void {
    if (this.#files.size <= this.#filesMax) return;
    for (const [path, { readers }] of this.#files) {
      if (readers > 0) continue;
      this.close(path);
      if (this.#files.size <= this.#filesMax) return;
    }
  }
}
