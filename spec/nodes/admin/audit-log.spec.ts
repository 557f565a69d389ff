import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AuditLog, type AuditOptions } from '../../../src/nodes/admin/audit-log.ts';
import type { Log } from '../../../src/nodes/log.ts';

const test = suite('audit log');

let folder: string;
const complaints: string[] = [];
const log = { error: (_fields: unknown, message: string) => complaints.push(message) } as unknown as Log;
const entry = (path: string) => ({ who: 'token ci', from: '127.0.0.1', method: 'POST', path, status: 201 });
const open = (some: Partial<AuditOptions> = {}): AuditLog =>
  new AuditLog({ folder, bytesMax: 1 << 20, filesMax: 3, ...some }, log, () => new Date(0));
const lines = (name: string): { path: string }[] =>
  readFileSync(join(folder, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string });

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-audit-'));
  complaints.length = 0;
});
test.after.each(() => rmSync(folder, { recursive: true }));

test('an entry is a line that says who, from where, what, and how it ended; for its owner alone', async () => {
  const audit = open({ folder: join(folder, 'data') });
  audit.record(entry('/api/v1/users'));
  await audit.settled();
  const file = join(folder, 'data', 'audit.log');
  assert.is(
    readFileSync(file, 'utf8'),
    '{"ts":"1970-01-01T00:00:00.000Z","who":"token ci","from":"127.0.0.1","method":"POST","path":"/api/v1/users","status":201}\n',
  );
  assert.is(statSync(file).mode & 0o777, 0o600);
});

test('everything is there, in order, across files and restarts, and no more files than allowed', async () => {
  const bytesMax = 1000;
  for (let round = 0; round < 6; round++) {
    const audit = open({ bytesMax });
    for (let i = 0; i < 5; i++) audit.record(entry(`/${round}/${i}`));
    await audit.settled();
  }
  assert.equal(readdirSync(folder).sort(), ['audit.log', 'audit.log.1', 'audit.log.2']);
  const kept = ['audit.log.2', 'audit.log.1', 'audit.log'].flatMap((name) => lines(name).map(({ path }) => path));
  const written = Array.from({ length: 6 }, (_, round) => Array.from({ length: 5 }, (_, i) => `/${round}/${i}`)).flat();
  assert.equal(kept, written.slice(-kept.length));
  for (const name of readdirSync(folder)) assert.ok(statSync(join(folder, name)).size <= bytesMax, name);
});

test('one file only, and none at all', async () => {
  const single = open({ bytesMax: 200, filesMax: 1 });
  for (let i = 0; i < 3; i++) {
    single.record(entry(`/${i}`));
    await single.settled();
  }
  assert.equal(readdirSync(folder), ['audit.log']);
  assert.equal(lines('audit.log').at(-1)?.path, '/2');
  rmSync(join(folder, 'audit.log'));
  const off = open({ bytesMax: 0 });
  off.record(entry('/x'));
  await off.settled();
  assert.equal(readdirSync(folder), []);
});

test('a disk that fails is said, and stops nothing', async () => {
  writeFileSync(join(folder, 'file'), '');
  const audit = open({ folder: join(folder, 'file') });
  audit.record(entry('/x'));
  await audit.settled();
  assert.equal(complaints, ['the audit log cannot be written']);
});

test('entries that wait are bounded', async () => {
  const audit = open({ bytesMax: 1 << 30 });
  for (let i = 0; i < 10_100; i++) audit.record(entry(`/${i}`));
  await audit.settled();
  assert.ok(complaints.length > 0 && complaints.length <= 101, String(complaints.length));
  assert.is(lines('audit.log').length, 10_100 - complaints.length);
});

test.run();
