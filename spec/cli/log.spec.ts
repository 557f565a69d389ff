/** `sluice log` on real files: what it prints, what it exits with, and that it changes nothing. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCli } from '../../src/nodes/cli/program.ts';
import { lockData } from '../../src/nodes/data-lock.ts';
import { FileDisk } from '../../src/storage/disk.ts';
import { DedicatedJournals, SharedJournal } from '../../src/storage/engines/journal.ts';
import type { JournalOptions } from '../../src/storage/journal.ts';
import { RecordBatchBuilder } from '../../src/storage/record-batch-builder.ts';
import { RecordHeaders } from '../../src/storage/record-headers.ts';

const test = suite('log commands');
const scratch = mkdtempSync(join(tmpdir(), 'sluice-log-spec-'));
const data = join(scratch, 'data');
const shared = join(data, 'log', 'shared');
const FIRST = '0000000000000001.seg';
test.after(() => rmSync(scratch, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** In this process: a process for each of them would take longer than all that is tried here. */
async function sluice(...args: string[]): Promise<Outcome> {
  const output = { stdout: '', stderr: '' };
  const kept = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = ((text: string) => {
      output[name] += text;
      return true;
    }) as typeof process.stdout.write;
  }
  try {
    const code = await runCli(args);
    return { code, ...output };
  } finally {
    process.stdout.write = kept.stdout;
    process.stderr.write = kept.stderr;
  }
}

function batch(first: number, count: number): RecordBatchBuilder {
  const builder = new RecordBatchBuilder();
  const headers = new RecordHeaders();
  headers.add(Buffer.from('unit'), Buffer.from('°C'));
  for (let i = first; i < first + count; i++) {
    const value = i === 1 ? Uint8Array.of(0, 255, 3) : Buffer.from(`reading ${i}`);
    builder.append(1_700_000_000_000 + i, Buffer.from('oven/1'), 0, 6, value, 0, value.length, headers);
  }
  builder.seal();
  return builder;
}

test.before(() => {
  const options: Omit<JournalOptions, 'directory'> = {
    disk: new FileDisk(),
    segmentBytes: 4096 + 2048,
    tailBytes: 65_536,
    runwayBytes: 1000,
    wallClock: () => 1_700_000_000_000,
    random: () => Math.random(),
    onCorruption: 'refuse',
  };
  for (const engine of [
    new SharedJournal({ ...options, directory: shared }),
    new DedicatedJournals({ ...options, directory: join(data, 'log', 'dedicated') }),
  ]) {
    engine.create(1);
    engine.create(2);
    for (let i = 0; i < 90; i += 3) {
      const builder = batch(i, 3);
      engine.append(1 + (i % 2), -1, builder.bytes, 0, builder.end);
      engine.commit(true, (error) => assert.is(error, undefined));
    }
    engine.close(() => {});
  }
});

function contents(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(directory, name)).isFile(),
  );
  return Object.fromEntries(
    files.map((name) => [
      name,
      `${statSync(join(directory, name)).mtimeMs} ${readFileSync(join(directory, name)).toString('base64')}`,
    ]),
  );
}

/** A copy of the data that somebody has damaged. */
function damaged(name: string, change: (file: string) => void): string {
  const copy = join(scratch, name);
  cpSync(data, copy, { recursive: true });
  change(join(copy, 'log', 'shared', FIRST));
  return copy;
}

function flip(file: string, position: number): void {
  const bytes = readFileSync(file);
  bytes[position]! ^= 1;
  writeFileSync(file, bytes);
}

test('verify walks all logs below a directory, says that they are sound, and changes nothing', async () => {
  const before = contents(data);
  const { code, stdout, stderr } = await sluice('log', 'verify', data);
  assert.equal([code, stderr], [0, '']);
  for (const log of ['log/shared', String.raw`log/dedicated/1-\d+`, String.raw`log/dedicated/2-\d+`])
    assert.match(stdout, new RegExp(`${log} .* sound`));
  assert.equal(contents(data), before);
  const json = JSON.parse((await sluice('log', 'verify', data, '--json')).stdout);
  assert.equal([json.ok, json.damages, json.logs.length], [true, 0, 3]);
  assert.equal(
    json.logs.map(({ directory, records }: { directory: string; records: number }) => [
      directory.slice(data.length).replace(/-\d+$/, ''),
      records,
    ]),
    [
      ['/log/dedicated/1', 45],
      ['/log/dedicated/2', 45],
      ['/log/shared', 90],
    ],
  );
});

test('verify says where the damage is and what is lost by it, and exits with 1', async () => {
  const copy = damaged('flipped', (file) => flip(file, 4096 + 64 + 112 + 64 + 100));
  const { code, stdout, stderr } = await sluice('log', 'verify', copy);
  assert.is(code, 1);
  assert.match(stdout, /0000000000000001\.seg at bytes \d+ to \d+\s+commits that were durable are damaged\s+affected: lsn/);
  assert.match(stdout, /offsets 0 to 2 are lost/);
  assert.match(stderr, /damages in /);
  const json = JSON.parse((await sluice('log', 'verify', copy, '--json')).stdout);
  assert.ok(!json.ok && json.damages > 0 && json.logs.some((log: { findings: unknown[] }) => log.findings.length > 0));
});

test('verify refuses while somebody holds the directory, and works again after', async () => {
  const lock = await lockData(data, 'node 7, process 4711');
  for (const directory of [data, shared]) {
    const { code, stdout, stderr } = await sluice('log', 'verify', directory);
    assert.equal([code, stdout], [1, '']);
    assert.match(stderr, /in use by node 7, process 4711; stop the node first/);
  }
  lock.release();
  assert.is((await sluice('log', 'verify', shared)).code, 0);
});

test('inspect shows header, commits, frames and trailer', async () => {
  const { code, stdout, stderr } = await sluice('log', 'inspect', join(shared, FIRST));
  assert.equal([code, stderr], [0, '']);
  assert.match(stdout, /header +log [0-9a-f]{8} +generation [0-9a-f]{8} +number 1 +first lsn 1/);
  assert.match(stdout, /trailer +footer at \d+ +\d+ entries of 2 shards/);
  assert.match(stdout, / 4096 +commit +64 bytes +lsn 1 +2 frames follow/);
  assert.match(stdout, /control .*create 1 0, create 2 0 +crc ok/);
  assert.match(stdout, /data .*shard 1 +offsets 0–2 +3 records +crc ok/);
  assert.match(stdout, /footer .* entries +crc ok\n$/);
});

test('inspect decodes records, pages, and speaks JSON', async () => {
  const file = join(shared, FIRST);
  const text = (await sluice('log', 'inspect', file, '--records', '--limit', '3')).stdout;
  assert.match(text, /0 {2}2023-11-14T22:13:20\.000Z {2}oven\/1 {2}9 bytes {2}reading 0 +\{"unit":"°C"\}/);
  assert.match(text, /3 bytes {2}0x00ff03/);
  const lines = (await sluice('log', 'inspect', file, '--records', '--limit', '3', '--json')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(
    lines.map(({ item, type }) => type ?? item),
    ['segment', 'commit', 'control', 'data'],
  );
  const { position, records, crc } = lines[3];
  assert.is(crc, 'ok');
  assert.equal(records[2], {
    offset: 2,
    timestamp: 1_700_000_000_002,
    key: 'oven/1',
    value: 'reading 2',
    valueBytes: 9,
    headers: { unit: '°C' },
  });
  const paged = (await sluice('log', 'inspect', file, '--from', String(position - 7), '--limit', '1', '--json')).stdout.split(
    '\n',
  );
  assert.is(JSON.parse(paged[1]!).position, position);
});

test('inspect shows a damaged frame in its place, goes on behind it, and exits with 1', async () => {
  const copy = damaged('inspected', (file) => flip(file, 4096 + 64 + 112 + 64 + 100));
  const { code, stdout, stderr } = await sluice('log', 'inspect', join(copy, 'log', 'shared', FIRST), '--records');
  assert.is(code, 1);
  assert.match(stdout, /data .*CRC MISMATCH\n/);
  assert.match(stdout, /offsets 3–5 +3 records +crc ok/);
  assert.match(stderr, /not as they were written/);
  const beheaded = damaged('beheaded', (file) => flip(file, 9));
  assert.match((await sluice('log', 'inspect', join(beheaded, 'log', 'shared', FIRST))).stdout, /header +DAMAGED/);
});

test('what is not there or is no log is wrong usage', async () => {
  for (const [args, message] of [
    [['verify', join(scratch, 'nowhere')], /there is no/],
    [['verify', join(shared, FIRST)], /is no directory/],
    [['verify', tmpdirWithoutLogs()], /no logs in or below/],
    [['inspect', data], /is no file/],
    [['inspect', join(shared, FIRST), '--limit', '0'], /whole number/],
    [['inspect'], /missing required argument/],
  ] as const) {
    const { code, stderr } = await sluice('log', ...args);
    assert.is(code, 2, args.join(' '));
    assert.match(stderr, message);
  }
});

function tmpdirWithoutLogs(): string {
  return mkdtempSync(join(scratch, 'empty-'));
}

test.run();
