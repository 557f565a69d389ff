/**
 * Copies the files of a RocksDB that is flushed and suspended. Tables and blobs never change and are linked; the rest is small and is copied, since RocksDB goes on
 * writing to it. The copy appears under its name when all of it is durable.
 */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const IMMUTABLE = /\.(sst|blob)$/;
/** Not part of a store: its lock, and what it tells humans. */
const LEFT_OUT = /^(LOCK|LOG|LOG\.old.*)$/;

export async function copyStore(from: string, to: string): Promise<void> {
  const partial = `${to}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const { name } = entry;
    if (!entry.isFile() || LEFT_OUT.test(name)) continue;
    const target = join(partial, name);
    if (IMMUTABLE.test(name)) await linkOrCopy(join(from, name), target);
    else await copyFile(join(from, name), target, constants.COPYFILE_EXCL);
    await syncPath(target);
  }
  await syncPath(partial);
  await rename(partial, to);
  await syncPath(dirname(to));
}

/** Another file system cannot link. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_EXCL));
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
