import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_CATALOGUE } from '../../src/base/errors.ts';
import { CONFIG_KEYS } from '../../src/nodes/config/keys.ts';
import { familiesOf } from '../../src/nodes/metrics.ts';
import { PROBE_TABLES } from '../../src/nodes/probes.ts';
import { configReference, errorReference, metricReference } from '../../src/nodes/reference.ts';

const test = suite('reference pages');

test('every key, code and metric is in its page, and every table row has as many cells as its head', () => {
  const pages: [page: string, entries: string[]][] = [
    [configReference(), [...CONFIG_KEYS.keys()]],
    [errorReference(), Object.keys(ERROR_CATALOGUE)],
    [metricReference(), [...familiesOf(PROBE_TABLES).keys()]],
  ];
  for (const [page, entries] of pages) {
    for (const entry of entries) assert.is(page.split(`| \`${entry}\` |`).length, 2, entry);
    for (const table of page.split('\n\n').filter((block) => block.startsWith('|'))) {
      const cells = table
        .trimEnd()
        .split('\n')
        .map((row) => row.replaceAll('\\|', '').split('|').length);
      assert.is(new Set(cells).size, 1, table.slice(0, 80));
    }
  }
});

test.run();
