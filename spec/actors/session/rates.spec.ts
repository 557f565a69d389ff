import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { listenerRates, type RateLimits } from '../../../src/actors/session/rates.ts';

const test = suite('rates of a listener');

const NONE: RateLimits = { clientMessages: 0, clientBytes: 0, listenerMessages: 0, listenerBytes: 0 };

test('nothing is measured where nothing is limited', () => {
  assert.is(listenerRates(undefined, 1), null);
  assert.is(listenerRates(NONE, 1), null);
});

test('a client has its own rate, and its part in that of all', () => {
  const rates = listenerRates({ ...NONE, clientMessages: 10, listenerMessages: 15 }, 1)!;
  const [one, other] = [rates.forClient()!, rates.forClient()!];
  assert.is(one.received(10, 0, 0), 0);
  assert.is(other.received(5, 0, 0), 0, 'within its own rate and that of all');
  assert.is(other.received(3, 0, 0), 200, 'within its own, but three too many for all');
  assert.is(one.received(5, 0, 0), Math.max(500, Math.ceil((8 / 15) * 1000)));
});

test('bytes and messages are limited apart; who exceeds both waits for the longer', () => {
  const rates = listenerRates({ ...NONE, clientMessages: 10, clientBytes: 1000 }, 1)!.forClient()!;
  assert.is(rates.received(10, 1000, 0), 0);
  assert.is(rates.received(1, 500, 0), 500);
  assert.is(rates.received(9, 0, 0), 1000);
});

test('a listener’s rate is divided among the reactors', () => {
  const rates = listenerRates({ ...NONE, listenerBytes: 1000 }, 4)!.forClient()!;
  assert.is(rates.received(0, 250, 0), 0);
  assert.is(rates.received(0, 250, 0), 1000);
});

test.run();
