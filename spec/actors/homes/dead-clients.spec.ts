// Clients without a session on three simulated nodes of which one dies, or a reactor of it: their wills come once.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bed, Mortal, SECOND, type Terms } from './mortals.ts';

const test = suite('clients whose node is dead');
const CLEAN: Terms = { delay: 0, expiry: 0 };

test('the will of a client without a session comes once too, though its client is elsewhere by then', () => {
  for (const restartMs of [1500, undefined]) {
    const bed = new Bed(restartMs ?? 50);
    const [gone, elsewhere, left] = ['gone', 'elsewhere', 'left'].map((id) => new Mortal(bed.nodes, id)) as [
      Mortal,
      Mortal,
      Mortal,
    ];
    for (const mortal of [gone, elsewhere, left]) mortal.connect(2, 2, CLEAN, true);
    bed.pass(2 * SECOND);
    assert.is(bed.metadata.wills.entries.size, 3);
    left.leave();
    bed.pass(2 * SECOND);
    assert.equal([bed.wills('left'), bed.metadata.wills.entries.size], [1, 2], 'nothing is left of one that has been published');
    bed.nodes.kill(2, restartMs);
    elsewhere.connect(1, 1, CLEAN, true);
    bed.pass(12 * SECOND);
    assert.equal(
      ['gone', 'elsewhere', 'left'].map((id) => bed.wills(id)),
      [1, 1, 1],
      `${restartMs}`,
    );
    assert.equal([...bed.metadata.wills.entries.keys()], ['elsewhere\x001'], 'that client is still there');
    bed.end();
  }
});

test('a reactor that dies leaves the wills of its clients to its node', () => {
  const bed = new Bed(60);
  const [here, there] = [new Mortal(bed.nodes, 'here'), new Mortal(bed.nodes, 'there')];
  here.connect(2, 1, CLEAN, true);
  there.connect(2, 2, CLEAN, true);
  bed.pass(SECOND);
  bed.nodes.network.node(2).kill(2);
  bed.pass(10 * SECOND);
  assert.equal([bed.wills('here'), bed.wills('there')], [0, 1]);
  assert.equal([...bed.metadata.wills.entries.keys()], ['here\x002']);
  bed.end();
});

test('a node that was taken for dead notes the wills of its clients again', () => {
  const bed = new Bed(70);
  const mortal = new Mortal(bed.nodes, 'm');
  mortal.connect(2, 1, CLEAN, true);
  bed.pass(SECOND);
  const { network } = bed.nodes;
  const { away, wills, lost } = bed.metadata;
  away.add(2);
  lost.set(2, bed.nodes.at(1, 1).system.wallClock());
  bed.pass(5 * SECOND);
  assert.equal([bed.wills('m'), wills.entries.size], [1, 0], 'for all that anybody knows it is dead');
  away.delete(2);
  lost.delete(2);
  network.cut(2, 1);
  network.heal(2, 1);
  bed.pass(5 * SECOND);
  assert.is(wills.entries.size, 1);
  mortal.leave();
  bed.pass(5 * SECOND);
  assert.equal([bed.wills('m'), wills.entries.size], [2, 0], 'now it has ended');
  bed.end();
});

test.run();
