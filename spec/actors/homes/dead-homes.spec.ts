// Three simulated nodes of which one dies, or is cut off: the wills of the sessions that were there come once, and the sessions end in their time.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bed, Mortal, SECOND } from './mortals.ts';

const test = suite('sessions whose home is dead');

test('the will of a client whose node has died comes once, when that is certain, and not again when the node is back', () => {
  for (const dead of [1, 2]) {
    const bed = new Bed(10 + dead);
    const mortal = new Mortal(bed.nodes, 'm');
    mortal.connect(dead, 2, { delay: 0, expiry: 1000 });
    bed.nodes.kill(dead, 10 * SECOND);
    bed.pass(2 * SECOND);
    assert.is(bed.wills('m'), 0, 'its lease has not run out');
    bed.pass(6 * SECOND);
    assert.equal([bed.wills('m'), bed.total('mourned'), bed.total('buried')], [1, 1, 0]);
    bed.pass(12 * SECOND);
    assert.is(bed.wills('m'), 1);
    mortal.connect(dead, 1, { delay: 0, expiry: 1000 });
    assert.ok(mortal.sessionPresent);
    mortal.leave();
    bed.pass(5 * SECOND);
    assert.is(bed.wills('m'), 2, 'of another connection');
    bed.end();
  }
});

test('a will with a delay waits for it, and a client that comes elsewhere in time has none', () => {
  const bed = new Bed(20);
  const [late, inTime] = [new Mortal(bed.nodes, 'late'), new Mortal(bed.nodes, 'in-time')];
  for (const mortal of [late, inTime]) mortal.connect(2, 1, { delay: 9, expiry: 1000 });
  bed.nodes.kill(2, 20 * SECOND);
  bed.pass(5 * SECOND);
  assert.equal([bed.wills('late'), bed.wills('in-time')], [0, 0]);
  inTime.connect(1, 1, { delay: 9, expiry: 1000 });
  assert.ok(inTime.sessionPresent);
  bed.pass(7 * SECOND);
  assert.equal([bed.wills('late'), bed.wills('in-time')], [1, 0]);
  bed.pass(18 * SECOND);
  assert.equal([bed.wills('late'), bed.wills('in-time')], [1, 0]);
  bed.end();
});

test('a client that comes elsewhere does not undo a will that was due when its node died', () => {
  const bed = new Bed(25);
  const mortal = new Mortal(bed.nodes, 'm');
  mortal.connect(2, 1, { delay: 0, expiry: 1000 });
  bed.nodes.kill(2, 10 * SECOND);
  mortal.connect(1, 1, { delay: 0, expiry: 1000 });
  assert.ok(mortal.sessionPresent);
  bed.pass(20 * SECOND);
  assert.is(bed.wills('m'), 1);
  bed.end();
});

test('a session ends when its time is over, with its will, though its home is dead; nothing of it is there when that is back', () => {
  const bed = new Bed(30);
  const [brief, long] = [new Mortal(bed.nodes, 'brief'), new Mortal(bed.nodes, 'long')];
  brief.connect(2, 1, { delay: 1000, expiry: 8 });
  long.connect(2, 2, { delay: 1000, expiry: 2000 });
  bed.nodes.kill(2, 20 * SECOND);
  bed.pass(6 * SECOND);
  assert.equal([bed.wills('brief'), bed.isKnown('brief')], [0, true]);
  bed.pass(8 * SECOND);
  assert.equal([bed.wills('brief'), bed.isKnown('brief'), bed.isKnown('long')], [1, false, true]);
  assert.equal([bed.total('mourned'), bed.total('buried')], [1, 1]);
  bed.pass(15 * SECOND);
  assert.equal([bed.wills('brief'), bed.wills('long')], [1, 0]);
  assert.equal(bed.nodes.homesOf('brief'), []);
  brief.connect(1, 1, { delay: 0, expiry: 8 });
  assert.not(brief.sessionPresent);
  long.connect(3, 1, { delay: 0, expiry: 8 });
  assert.ok(long.sessionPresent);
  bed.end();
});

test('a client that begins anew elsewhere ends the session, and its will comes once, wherever its home is', () => {
  for (const isDead of [true, false]) {
    const bed = new Bed(35);
    const mortal = new Mortal(bed.nodes, 'm');
    mortal.connect(2, 1, { delay: 100, expiry: 1000 });
    if (isDead) bed.nodes.kill(2, 8 * SECOND);
    mortal.connect(1, 1, { delay: 0, expiry: 1000 }, true);
    assert.not(mortal.sessionPresent);
    bed.pass(16 * SECOND);
    assert.is(bed.wills('m'), 1, `${isDead}`);
    bed.end();
  }
});

test('the will comes once, whenever the home is back', () => {
  // From before its lease runs out until after the will was due.
  for (let restartMs = 2500; restartMs <= 8500; restartMs += 3000) {
    const bed = new Bed(restartMs);
    const [now, soon] = [new Mortal(bed.nodes, 'now'), new Mortal(bed.nodes, 'soon')];
    now.connect(1, 1, { delay: 0, expiry: 1000 });
    soon.connect(1, 2, { delay: 5, expiry: 1000 });
    bed.nodes.kill(1, restartMs);
    bed.pass(18 * SECOND);
    assert.equal([bed.wills('now'), bed.wills('soon')], [1, 1], `${restartMs}`);
    bed.end();
  }
});

test('a node that is cut off from the metadata, and taken for dead, does not publish what has been published', () => {
  const bed = new Bed(40);
  const mortal = new Mortal(bed.nodes, 'm');
  mortal.connect(2, 1, { delay: 6, expiry: 1000 });
  const { away, lost } = bed.metadata;
  away.add(2);
  lost.set(2, bed.nodes.at(1, 1).system.wallClock());
  mortal.leave();
  bed.pass(12 * SECOND);
  assert.equal([bed.wills('m'), bed.total('mourned')], [1, 1]);
  away.delete(2);
  lost.delete(2);
  bed.pass(12 * SECOND);
  assert.is(bed.wills('m'), 1);
  mortal.connect(2, 2, { delay: 0, expiry: 1000 });
  assert.ok(mortal.sessionPresent);
  bed.end();
});

test.run();
