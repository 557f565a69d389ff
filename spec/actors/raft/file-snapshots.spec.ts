/** Snapshots in real files, on a file system that fails at every call, and files that are cut off or changed. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { votersOnly } from '../../../src/actors/raft/membership.ts';
import { FileSnapshots, type SnapshotFs } from '../../../src/actors/raft/snapshot/file-snapshots.ts';
import { snapshotName } from '../../../src/actors/raft/snapshot/snapshot-file.ts';
import type { SnapshotReader } from '../../../src/actors/raft/state-machine.ts';
import type { SnapshotMeta } from '../../../src/actors/raft/storage.ts';
import { RAFT_SNAPSHOT_BACKLOG_BYTES } from '../../../src/base/limits.ts';

const test = suite('raft snapshot files');

const META: SnapshotMeta = { index: 42, term: 3, membership: votersOnly([5, 6, 7]) };

function readerOf(bytes: Uint8Array): SnapshotReader & { isClosed: boolean } {
  let at = 0;
  return {
    isClosed: false,
    read(bytesMax, done) {
      const part = bytes.subarray(at, at + bytesMax);
      at += part.length;
      done(part, at === bytes.length);
    },
    close() {
      this.isClosed = true;
    },
  };
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7919) >> 5);
}

class Folder {
  readonly path = fs.mkdtempSync(join(tmpdir(), 'sluice-snapshots-'));
  readonly errors: string[] = [];

  open(files: SnapshotFs = fs): FileSnapshots {
    return new FileSnapshots({ fs: files, directory: this.path, onError: (error) => this.errors.push(error.message) });
  }

  names(): string[] {
    return fs.readdirSync(this.path).sort();
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true });
  }
}

function save(store: FileSnapshots, meta: SnapshotMeta, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => store.save(1, meta, readerOf(bytes), resolve));
}

/** All of it, or undefined when the reader stops on the way. */
function read(reader: SnapshotReader, bytesMax: number, errors: string[]): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const parts: Uint8Array[] = [];
    const watch = setInterval(() => {
      if (errors.length === 0) return;
      clearInterval(watch);
      resolve(undefined);
    }, 1);
    const more = (): void =>
      reader.read(bytesMax, (bytes, isLast) => {
        parts.push(bytes.slice());
        if (!isLast) return more();
        clearInterval(watch);
        reader.close();
        resolve(Buffer.concat(parts));
      });
    more();
  });
}

test('keeps what was saved, of every size, read in parts of every size, by another start too', async () => {
  const folder = new Folder();
  try {
    const store = folder.open();
    for (const [i, length] of [0, 1, 1000, 256 * 1024, 256 * 1024 + 1, 700_000].entries()) {
      const bytes = pattern(length);
      const meta = { ...META, index: 100 + i };
      assert.ok(await save(store, meta, bytes));
      for (const part of [1_000_000, 65_536, 999]) {
        const opened = folder.open().open(1)!;
        assert.equal(opened.meta, meta);
        assert.ok(Buffer.from((await read(opened.reader, part, folder.errors))!).equals(bytes), `${length} by ${part}`);
      }
    }
    assert.equal(folder.errors, []);
  } finally {
    folder.remove();
  }
});

test('opens the newest, or the one that is named, and discards those before', async () => {
  const folder = new Folder();
  try {
    const store = folder.open();
    for (const index of [10, 30, 20]) assert.ok(await save(store, { ...META, index }, pattern(index)));
    const newest = store.open(1)!;
    assert.is(newest.meta.index, 30);
    newest.reader.close();
    const named = store.openAt(1, 20)!;
    assert.is((await read(named.reader, 100, folder.errors))!.length, 20);
    assert.is(store.open(2), undefined);
    store.discardBefore(1, 20);
    assert.is(store.openAt(1, 10), undefined);
    while (folder.names().length > 2) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(folder.names(), [snapshotName(1, 20), snapshotName(1, 30)]);
  } finally {
    folder.remove();
  }
});

/** node:fs, of which the n-th call with a callback fails. */
function failingAt(n: number): SnapshotFs & { calls: number } {
  const failing = { ...fs, calls: 0 } as unknown as SnapshotFs & { calls: number } & Record<string, unknown>;
  for (const name of ['open', 'write', 'fsync', 'close', 'rename'] as const) {
    const real = failing[name] as (...args: unknown[]) => void;
    failing[name] = ((...args: unknown[]) => {
      if (++failing.calls !== n) return real(...args);
      const then = args.at(-1) as (error: Error) => void;
      setImmediate(() => then(Object.assign(new Error(`EIO: ${name}`), { code: 'EIO' })));
    }) as never;
  }
  return failing;
}

test('what fails anywhere on the way is not there, and the one before still is', async () => {
  const calls = failingAt(-1);
  const counted = new Folder();
  try {
    assert.ok(await save(counted.open(calls), META, pattern(300_000)));
  } finally {
    counted.remove();
  }
  assert.ok(calls.calls >= 9, `calls ${calls.calls}`);
  for (let n = 1; n < calls.calls; n++) {
    const folder = new Folder();
    try {
      assert.ok(await save(folder.open(), { ...META, index: 7 }, pattern(50)));
      const store = folder.open(failingAt(n));
      assert.not(await save(store, META, pattern(300_000)), `call ${n}`);
      assert.is(folder.errors.length, 1);
      assert.is(store.open(1)?.meta.index, 7);
    } finally {
      folder.remove();
    }
  }
});

test('a file that is cut off or changed anywhere gives an error and no bytes of what is damaged', async () => {
  const folder = new Folder();
  try {
    const bytes = pattern(3000);
    const store = folder.open();
    assert.ok(await save(store, META, bytes));
    const path = join(folder.path, snapshotName(1, META.index));
    const whole = fs.readFileSync(path);
    for (let at = 0; at < whole.length; at += at < 120 ? 1 : 97) {
      for (const bad of [whole.subarray(0, at), Buffer.from(whole).fill(whole[at]! ^ 64, at, at + 1)]) {
        fs.writeFileSync(path, bad);
        folder.errors.length = 0;
        const opened = store.open(1);
        const got = opened === undefined ? undefined : await read(opened.reader, 4096, folder.errors);
        assert.ok(got === undefined, `${bad.length} of ${whole.length} bytes, changed at ${at}`);
        assert.is(folder.errors.length, 1);
        opened?.reader.close();
      }
    }
  } finally {
    folder.remove();
  }
});

test('one that arrives is taken as fast as it is written, and is gone when it is given up', async () => {
  const folder = new Folder();
  try {
    const store = folder.open();
    const writer = store.receive(1, META);
    const chunk = pattern(256 * 1024);
    let taken = 0;
    while (writer.write(chunk)) taken++;
    assert.ok(taken > 0 && taken * chunk.length <= RAFT_SNAPSHOT_BACKLOG_BYTES, 'no more than the bound waits');
    while (!writer.write(chunk)) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(await new Promise<boolean>((resolve) => writer.commit(resolve)));
    const got = await read(store.open(1)!.reader, 1 << 20, folder.errors);
    assert.is(got!.length, (taken + 1) * chunk.length);
    const other = store.receive(1, { ...META, index: 50 });
    other.write(chunk);
    other.abort();
    while (folder.names().length > 1) await new Promise((resolve) => setImmediate(resolve));
    assert.is(store.open(1)!.meta.index, META.index);
  } finally {
    folder.remove();
  }
});

test('what was not finished by an earlier life is removed', () => {
  const folder = new Folder();
  try {
    fs.writeFileSync(join(folder.path, '3.tmp'), 'half');
    fs.writeFileSync(join(folder.path, 'readme'), 'not ours');
    folder.open();
    assert.equal(folder.names(), ['readme']);
  } finally {
    folder.remove();
  }
});

test.run();
