/** How fast records go through group commit to a disk, and what the disk takes of plain bytes: both in slices of the same run, in turns, in the same pieces. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { RawRun } from '../load/job.ts';
import type { AppendJob } from './job.ts';
import { batchOf, commit, openLog, rawRun } from './log.ts';

const SLICE_MS = 250;
/** Bytes of a record batch: what a reactor hands over at once. */
const BATCH_BYTES = 128 * 1024;
/** The plain file begins anew then, as a log goes on to the next segment. */
const PLAIN_BYTES_MAX = 256 * 1024 * 1024;

export function runAppend({ directory, seconds, recordBytes, batch }: AppendJob): RawRun {
  const journal = openLog(join(directory, 'log'));
  journal.create(1);
  commit(journal, true);
  const perBatch = Math.max(1, Math.min(batch, Math.floor(BATCH_BYTES / recordBytes)));
  const bytes = batchOf(perBatch, recordBytes);
  const batches = Math.max(1, Math.round(batch / perBatch));
  const appendOnce = (): void => {
    for (let i = 0; i < batches; i++) journal.append(1, -1, bytes, 0, bytes.length);
    commit(journal, true);
  };
  const plain = new PlainFile(join(directory, 'plain'), batches * bytes.length);
  const ours = { commits: 0, ms: 0 };
  const theirs = { commits: 0, ms: 0 };
  const rounds = Math.max(1, Math.round((seconds * 1000) / (2 * SLICE_MS)));
  for (let round = 0; round < rounds; round++) {
    slice(ours, appendOnce);
    slice(theirs, () => plain.write());
  }
  plain.close();
  journal.close();
  rmSync(directory, { recursive: true, force: true });
  const records = ours.commits * batches * perBatch;
  const rate = (run: { commits: number; ms: number }): number => (run.commits * batches * bytes.length) / run.ms / 1000;
  return rawRun(records, ours.ms / 1000, {
    logMegabytesPerSecond: rate(ours),
    diskMegabytesPerSecond: rate(theirs),
    logOfDisk: rate(ours) / rate(theirs),
    commitMs: ours.ms / ours.commits,
    diskMs: theirs.ms / theirs.commits,
    commitBytes: batches * bytes.length,
  });
}

function slice(run: { commits: number; ms: number }, once: () => void): void {
  const began = performance.now();
  let now = began;
  for (; now - began < SLICE_MS; now = performance.now()) {
    once();
    run.commits++;
  }
  run.ms += now - began;
}

/** One write and one fdatasync of the same size, and nothing else. */
class PlainFile {
  readonly #path: string;
  readonly #bytes: Buffer;
  #file: number;
  #position = 0;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = Buffer.alloc(bytes, 'Z');
    this.#file = openSync(path, 'w');
  }

  write(): void {
    if (this.#position > PLAIN_BYTES_MAX) {
      this.close();
      rmSync(this.#path);
      this.#file = openSync(this.#path, 'w');
      this.#position = 0;
    }
    for (let at = 0; at < this.#bytes.length; )
      at += writeSync(this.#file, this.#bytes, at, this.#bytes.length - at, this.#position + at);
    this.#position += this.#bytes.length;
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
