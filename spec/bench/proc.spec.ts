import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cpuMicros, parseCpuMicros, parseRssBytes, rssBytes } from '../../bench/proc.ts';

const test = suite('proc');

test('CPU time is the sum of utime and stime, whatever the name of the command', () => {
  const rest = 'S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 11 0 1000 0 0';
  assert.is(parseCpuMicros(`77 (node) ${rest}`), 3_000_000);
  assert.is(parseCpuMicros(`77 (a) S 9 (b) ${rest}`), 3_000_000);
  assert.is(parseCpuMicros(''), undefined);
});

test('resident memory comes from either file', () => {
  assert.is(
    parseRssBytes('00400000-7fff ---p 00000000 00:00 0 [rollup]\nRss:                1234 kB\nPss:  9 kB\n'),
    1234 * 1024,
  );
  assert.is(parseRssBytes('Name:\tnode\nVmRSS:\t   55 kB\n'), 55 * 1024);
  assert.is(parseRssBytes('Name:\tzombie\n'), undefined);
});

test('a process that does not exist has no figures', () => {
  assert.is(cpuMicros(2 ** 30), undefined);
  assert.is(rssBytes(2 ** 30), undefined);
});

test.run();
