/** `sluice log`: looks into the files of logs, without a node and without changing anything. */
import { statSync } from 'node:fs';
import { Command } from 'commander';
import { findLogs } from '../../storage/check/find-logs.ts';
import { scanSegment } from '../../storage/check/segment-scan.ts';
import { verifyLog } from '../../storage/check/verify-log.ts';
import { FileDisk } from '../../storage/disk.ts';
import { readSegmentEnds } from '../../storage/segment-ends.ts';
import { holderOf } from '../data-lock.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { inspectedJson, inspectedLines, segmentHeadLines } from './log-inspect-report.ts';
import { verifyLines } from './log-verify-report.ts';
import { wholeNumber } from './option-values.ts';

interface InspectOptions {
  readonly from: number;
  readonly limit?: number;
  readonly records?: boolean;
  readonly json?: boolean;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function requireKind(path: string, kind: 'file' | 'directory'): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new CommandError(EXIT.usage, `there is no ${path}`);
  if (kind === 'file' ? !stats.isFile() : !stats.isDirectory()) throw new CommandError(EXIT.usage, `${path} is no ${kind}`);
}

/** Fails when anything in the part of the file that was looked at is damaged. */
function inspect(path: string, { from, limit = Number.POSITIVE_INFINITY, records = false, json = false }: InspectOptions): void {
  requireKind(path, 'file');
  const disk = new FileDisk();
  const ends = readSegmentEnds(disk, path);
  for (const line of json ? [JSON.stringify({ item: 'segment', path, ...ends })] : segmentHeadLines(path, ends)) print(line);
  let damaged = ends.header === undefined ? 1 : 0;
  let frames = 0;
  const file = disk.open(path, 'read');
  try {
    for (const item of scanSegment(disk, file, ends, from)) {
      if (item.kind === 'frame' && ++frames > limit) break;
      if (item.kind === 'frame' && (!item.isSound || item.remarks.length > 0)) damaged++;
      for (const line of json ? [JSON.stringify(inspectedJson(item, records))] : inspectedLines(item, records)) print(line);
    }
  } finally {
    disk.close(file);
  }
  if (damaged > 0) throw new CommandError(EXIT.failed, `${damaged} things in ${path} are not as they were written`);
}

/** Segments of a log that a node may hold: the directory itself, or one of those above it, is the node's. */
async function refuseIfHeld(directory: string): Promise<void> {
  for (const candidate of [directory, `${directory}/..`, `${directory}/../..`, `${directory}/../../..`]) {
    const holder = await holderOf(candidate);
    if (holder !== undefined) {
      throw new CommandError(
        EXIT.failed,
        `${directory} is in use by ${holder}; stop the node first, its log changes while it is read`,
      );
    }
  }
}

async function verify(directory: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  requireKind(directory, 'directory');
  await refuseIfHeld(directory);
  const logs = findLogs(directory);
  if (logs.length === 0) throw new CommandError(EXIT.usage, `there are no logs in or below ${directory}`);
  const disk = new FileDisk();
  const reports = logs.map((log) => verifyLog(disk, log));
  const damages = reports.reduce((sum, report) => sum + report.damages, 0);
  if (json) print(JSON.stringify({ ok: damages === 0, damages, logs: reports }));
  else for (const line of verifyLines(directory, reports)) print(line);
  if (damages > 0) throw new CommandError(EXIT.failed, `${damages} damages in ${directory}`);
}

export function logCommand(): Command {
  const log = new Command('log').description('Look into the files of logs; nothing is changed').enablePositionalOptions();
  log
    .command('inspect')
    .description('Show what a segment file holds, frame by frame, also when it is damaged')
    .argument('<file>', 'a segment, *.seg')
    .option('--from <byte>', 'begin with the first frame at or after this byte', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option('--limit <n>', 'show so many frames at most', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--records', 'show the records of each frame too')
    .option('--json', 'one JSON object per line')
    .action((file: string, options: InspectOptions) => inspect(file, options));
  log
    .command('verify')
    .description(
      'Check every log in and below a directory: checksums, commits, footers, checkpoints, offsets. Exit code 1: damaged',
    )
    .argument('<dir>', 'a data directory, or a log in it')
    .option('--json', 'one JSON object')
    .action((directory: string, options: { readonly json?: boolean }) => verify(directory, options));
  return log;
}
