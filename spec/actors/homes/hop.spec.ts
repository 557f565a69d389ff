// Three simulated nodes with stores and a directory: clients go from node to node under publishers everywhere, links are cut, nodes die and come back. More seeds: `node dist/spec/actors/homes/sweep.js`.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeCodec } from '../../../src/runtime/sim/network.ts';
import { codecBetween } from '../schema-codec.ts';
import { type Faults, run } from './scenario.ts';

const test = suite('sessions that hop');

function sweep(faults: Faults, seeds: readonly number[], codecs: readonly NodeCodec[] = [codecBetween('this', 'this')]): void {
  let moved = 0;
  let adopted = 0;
  let further = 0;
  // A storm that no seed here has drawn yet may find what is not known: that is for sweeps.
  const extra = faults === 'none' || faults === 'cuts' ? [Math.floor(Math.random() * 2 ** 31)] : [];
  for (const [i, seed] of [...seeds, ...extra].entries()) {
    try {
      const scenario = run(seed, faults, codecs[i % codecs.length]);
      moved += scenario.total('moved');
      adopted += scenario.total('adopted');
      further += scenario.total('further');
    } catch (error) {
      console.log(`seed ${seed}, ${faults}`);
      throw error;
    }
  }
  assert.ok(moved > 0, `${moved} moves`);
  if (faults === 'none') return assert.is(further, 0, 'nothing comes afterwards');
  if (faults === 'deaths' || faults === 'stops' || faults === 'storm')
    assert.ok(adopted > 0, 'somebody has gone on without a home that answers');
  if (faults === 'storm') assert.ok(further > 0, 'former homes have given on what came later');
}

// Between nodes of two releases that follow each other, either way.
test('while all is well every message comes once, in order, wherever its client is', () =>
  sweep('none', [0], [codecBetween('next', 'this'), codecBetween('this', 'next')]));

test('over links that are lost nothing is, whichever they are and in whichever direction', () => sweep('cuts', [4]));

test('a node that dies takes nothing with it that its client was not told of', () => sweep('deaths', [0, 1]));

test('nor does one that ends in order, whatever is published until its end', () => sweep('stops', [8, 12]));

test('a directory that is late, silent, or does what it was asked long afterwards loses nobody', () => sweep('fickle', [0]));

test('nor does all of that at a time', () => sweep('storm', [45, 122, 169]));

test.run();
