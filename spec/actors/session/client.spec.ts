import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { READ_TICK_MS } from '../../../src/base/limits.ts';
import { Peer } from './services.ts';

const test = suite('client');

test('property: its silence is known to a tick, and never thought longer than it is', () => {
  // Up to three years of a thread's clock, with fractions of a millisecond.
  const time = fc.double({ min: 0, max: 1e11, noNaN: true });
  fc.assert(
    fc.property(time, fc.double({ min: 0, max: 1e6, noNaN: true }), (heardAt, silentMs) => {
      const { client } = new Peer(0);
      client.heard(heardAt);
      const told = client.silentMs(heardAt + silentMs);
      assert.ok(told <= silentMs + 1e-3 && told >= silentMs - READ_TICK_MS - 1e-3, `${silentMs} ms are told as ${told}`);
    }),
  );
});

test('reading goes on when the last reason not to is gone', () => {
  const { client, transport } = new Peer(0);
  const states: boolean[] = [];
  client.hold();
  client.hold();
  states.push(transport.paused, client.unhold(), transport.paused, client.unhold(), transport.paused);
  assert.equal(states, [true, false, true, true, false]);
});

test.run();
