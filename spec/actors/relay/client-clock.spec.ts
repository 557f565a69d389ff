import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ClientClock } from '../../../src/actors/relay/client-clock.ts';
import { RELAY_CLIENT_MS, RELAY_CLIENTS_MAX } from '../../../src/base/limits.ts';

const test = suite('who connected last');

test('who was here before the news set out is older, who came after it is not; ties go by number', () => {
  const here = new ClientClock(1);
  const there = new ClientClock(2);
  here.connected('a', 0, 0);
  const news = there.connected('a', 0, 0);
  const again = there.connected('b', 0, 0);
  assert.ok(here.isLater('a', 2, news), 'the same time: the larger number wins');
  assert.ok(here.isLater('b', 2, again));
  const answer = here.connected('b', 1, 0);
  assert.ok(there.isLater('b', 1, answer), 'it had heard of the other, so it is later');
});

test('a client is faster than the news of it: the clocks of the walls tell', () => {
  const here = new ClientClock(1);
  const there = new ClientClock(2);
  for (let i = 0; i < 100; i++) here.connected(`other${i}`, 0, 1000);
  const before = here.connected('a', 0, 2000);
  const after = there.connected('a', 0, 2001);
  assert.not(there.isLater('a', 1, before));
  assert.ok(here.isLater('a', 2, after));
});

test('a node whose clock is behind follows those that it hears of', () => {
  const behind = new ClientClock(1);
  const right = new ClientClock(2);
  const news = right.connected('a', 0, 1_000_000);
  assert.ok(behind.isLater('a', 2, news));
  assert.ok(right.isLater('a', 1, behind.connected('a', 0, 5)));
});

test('of two that connect at once one stays, whatever the order in which the nodes hear of each other', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.nat(5), fc.boolean(), (before, other, swap) => {
      const clocks = [new ClientClock(1), new ClientClock(2)] as const;
      for (let i = 0; i < before; i++) clocks[0].connected(`x${i}`, 0, 0);
      for (let i = 0; i < other; i++) clocks[1].connected(`y${i}`, 0, 0);
      const times = [clocks[0].connected('twin', 0, 0), clocks[1].connected('twin', 0, 0)] as const;
      const goes = [false, false];
      const hear = (at: 0 | 1): void => {
        const from = at === 0 ? 1 : 0;
        goes[at] = clocks[at].isLater('twin', from + 1, times[from]);
      };
      hear(swap ? 1 : 0);
      hear(swap ? 0 : 1);
      assert.is(goes.filter(Boolean).length, 1);
    }),
  );
});

test('what is remembered is bounded, in time and in number', () => {
  const clock = new ClientClock(1);
  for (let i = 0; i < RELAY_CLIENTS_MAX + 10; i++) clock.connected(`c${i}`, 0, 0);
  assert.ok(clock.size <= RELAY_CLIENTS_MAX && clock.size > RELAY_CLIENTS_MAX / 2, String(clock.size));
  clock.connected('late', RELAY_CLIENT_MS - 1, 0);
  clock.sweep(RELAY_CLIENT_MS);
  assert.is(clock.size, 1);
  clock.sweep(3 * RELAY_CLIENT_MS);
  assert.is(clock.size, 0);
});

test.run();
