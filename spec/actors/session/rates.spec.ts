import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ListenerRates, type RateLimits } from '../../../src/actors/session/rates.ts';

const test = suite('rates of a listener');

const NONE: RateLimits = { clientMessages: 0, clientBytes: 0, listenerMessages: 0, listenerBytes: 0 };

test('nothing is measured where nothing is limited', () => {
  assert.is(new ListenerRates(undefined, 1).forClient(), null);
  assert.is(new ListenerRates(NONE, 1).forClient(), null);
});

test('a client has its own rate, and its part in that of all', () => {
  const rates = new ListenerRates({ ...NONE, clientMessages: 10, listenerMessages: 15 }, 1);
  const [one, other] = [rates.forClient()!, rates.forClient()!];
  assert.is(one.received(10, 0, 0), 0);
  assert.is(other.received(5, 0, 0), 0, 'within its own rate and that of all');
  assert.is(other.received(3, 0, 0), 200, 'within its own, but three too many for all');
  assert.is(one.received(5, 0, 0), Math.max(500, Math.ceil((8 / 15) * 1000)));
});

test('bytes and messages are limited apart; who exceeds both waits for the longer', () => {
  const rates = new ListenerRates({ ...NONE, clientMessages: 10, clientBytes: 1000 }, 1).forClient()!;
  assert.is(rates.received(10, 1000, 0), 0);
  assert.is(rates.received(1, 500, 0), 500);
  assert.is(rates.received(9, 0, 0), 1000);
});

test('a listener’s rate is divided among the reactors', () => {
  const rates = new ListenerRates({ ...NONE, listenerBytes: 1000 }, 4).forClient()!;
  assert.is(rates.received(0, 250, 0), 0);
  assert.is(rates.received(0, 250, 0), 1000);
});

test('changed rates are for clients that ask from then on; a listener whose limits are lifted measures nothing', () => {
  const rates = new ListenerRates(NONE, 2);
  assert.is(rates.forClient(), null);
  rates.change({ ...NONE, listenerMessages: 20 });
  const [one, other] = [rates.forClient()!, rates.forClient()!];
  assert.is(one.received(10, 0, 0), 0);
  assert.is(other.received(10, 0, 0), 1000, 'both take from one part of the listener’s rate');
  rates.change(NONE);
  assert.is(rates.forClient(), null);
});

test.run();
