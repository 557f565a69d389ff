/** What `sluice log verify` says to people: a table of the logs, then what was found in them. */
import { relative } from 'node:path';
import Table from 'cli-table3';
import type { LogReport } from '../../storage/check/verify-log.ts';

const integers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const HEAD = ['log', 'segments', 'commits', 'frames', 'records', 'shards', 'MB', 'lsn', 'state'];

export function verifyLines(directory: string, reports: readonly LogReport[]): string[] {
  const table = new Table({
    head: HEAD,
    style: { head: [], border: [] },
    colAligns: HEAD.map((_, i) => (i === 0 || i === 8 ? 'left' : 'right')),
  });
  for (const report of reports) table.push(row(directory, report));
  const findings = reports.flatMap((report) => [
    ...report.findings.map(
      ({ kind, place, what, affected }) =>
        `${kind === 'damage' ? 'DAMAGE' : 'note  '}  ${place}\n        ${what}\n        affected: ${affected}`,
    ),
    ...(report.findingsOmitted > 0 ? [`        … and ${report.findingsOmitted} more in ${report.directory}`] : []),
  ]);
  return [table.toString(), ...findings];
}

function row(directory: string, report: LogReport): string[] {
  const { segments, commits, frames, records, shards, bytes, firstLsn, nextLsn, damages, findings } = report;
  const notes = findings.filter(({ kind }) => kind === 'note').length;
  const state = damages > 0 ? `${integers.format(damages)} damages` : notes > 0 ? `sound, ${notes} notes` : 'sound';
  const counts = [segments, commits, frames, records, shards].map((count) => integers.format(count));
  return [relative(directory, report.directory) || '.', ...counts, (bytes / 1e6).toFixed(1), `${firstLsn}–${nextLsn - 1}`, state];
}
