// What former homes give on to a session, however often they are not answered in time: each message once.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Furthers } from '../../../src/actors/homes/furthers.ts';
import { HOMES_FURTHERS_KEPT } from '../../../src/base/limits.ts';
import { Hopper, Nodes } from './nodes.ts';
import { StubMetadata } from './stub-metadata.ts';

const test = suite('what former homes give on');
const COUNT = 90;
const BYTES = 10_000;

test('whatever answers are lost and however late, messages come once, in order, and none is left out', () => {
  const step = fc.record({ adds: fc.nat(5), isLost: fc.boolean(), isLate: fc.boolean(), isRefused: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const furthers = new Furthers();
      const got: number[] = [];
      const late: (() => void)[] = [];
      let ackedTo = 0;
      let end = 0;
      const send = ({ isLost, isLate, isRefused }: (typeof steps)[number]): void => {
        const page = { offset: ackedTo, next: end };
        const give = (then: (isTaken: boolean) => void): void => {
          const done = (): void => {
            if (!isRefused) for (let i = page.offset; i < page.next; i++) got.push(i);
            then(!isRefused);
          };
          if (isLate) late.push(done);
          else done();
        };
        furthers.take('1/2/life', page, give, (taken) => {
          if (taken !== undefined && !isLost) ackedTo = Math.max(ackedTo, taken);
        });
      };
      for (const each of steps) {
        end += each.adds;
        if (end > ackedTo) send(each);
        if (!each.isLate) for (const done of late.splice(0)) done();
      }
      for (const done of late.splice(0)) done();
      while (ackedTo < end) send({ adds: 0, isLost: false, isLate: false, isRefused: false });
      assert.equal(
        got,
        Array.from({ length: end }, (_, i) => i),
      );
    }),
  );
});

test('those that were heard of last are remembered', () => {
  const furthers = new Furthers();
  const take = (key: string, offset: number): boolean => {
    let isNew = false;
    const give = (then: (isTaken: boolean) => void): void => {
      isNew = true;
      then(true);
    };
    furthers.take(key, { offset, next: offset + 1 }, give, () => {});
    return isNew;
  };
  for (let i = 0; i < HOMES_FURTHERS_KEPT; i++) assert.ok(take(String(i), 0));
  assert.not.ok(take('0', 0));
  assert.ok(take('one more', 0));
  assert.not.ok(take('0', 0));
  assert.ok(take('1', 0), 'that one has been forgotten');
});

test('what the session has no room for stays with the former home until it has', () => {
  const nodes = new Nodes(9, new StubMetadata(9));
  const client = new Hopper('h', 't/#');
  const publisher = new Hopper('p');
  const [FORMER, NEW, PUBLISHERS] = [1, 2, 3] as const;
  const pass = (ms: number): void => {
    nodes.pass(ms);
    for (const each of [client, publisher]) each.pump(Number.MAX_SAFE_INTEGER);
  };
  const until = (what: string, isSo: () => boolean): void => {
    for (let i = 0; i < 1000 && !isSo(); i++) pass(20);
    assert.ok(isSo(), what);
  };
  // Together they are more than a session of the specs keeps.
  const publish = (from: number): void => {
    for (let i = from; i < from + COUNT; i++) {
      publisher.publish('t/1', `${i} ${'.'.repeat(BYTES)}`, 1);
      if (i % 10 === 9) pass(5);
    }
    until('all is acknowledged', () => publisher.acknowledged.length === from + COUNT);
    pass(500);
  };
  client.connect(nodes, FORMER, 1);
  publisher.connect(nodes, PUBLISHERS, 1);
  until('both are there', () => client.isSubscribed && publisher.isOnline);
  pass(2000);
  client.leave();
  publish(0);
  nodes.kill(FORMER, 12_000);
  pass(4000);
  client.connect(nodes, NEW, 1);
  until('somebody goes on with the session', () => client.isOnline && client.hadSession);
  client.leave();
  publish(COUNT);
  until('the former home is back', () => nodes.isOpen(FORMER));
  pass(3000);
  client.connect(nodes, NEW, 2);
  until('everything comes', () => new Set([...client.got.values()].flat()).size === 2 * COUNT);
  assert.is([...client.got.values()].flat().length, 2 * COUNT, 'once');
});

test.run();
