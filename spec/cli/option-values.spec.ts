import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandError, EXIT, exitCodeOf } from '../../src/nodes/cli/exit-codes.ts';
import { InFlight } from '../../src/nodes/cli/in-flight.ts';
import { collect, protocolLevel, qos, seconds, wholeNumber } from '../../src/nodes/cli/option-values.ts';

const test = suite('option values');

test('whole numbers within their bounds, with separators', () => {
  const port = wholeNumber(1, 65_535);
  fc.assert(fc.property(fc.integer({ min: 1, max: 65_535 }), (value) => assert.is(port(String(value)), value)));
  assert.is(wholeNumber(0, 10_000_000)('1,000_000'), 1_000_000);
  for (const bad of ['', '0', '65536', '-1', '1.5', '1e3', 'x', '0x10', ' 1'])
    assert.throws(() => port(bad), /whole number from 1 to 65535/, bad);
});

test('seconds may have fractions', () => {
  assert.is(seconds(0.1, 10)('2.5'), 2.5);
  for (const bad of ['0', '11', '-1', 'x', '1.', '']) assert.throws(() => seconds(0.1, 10)(bad), /seconds from 0.1 to 10/, bad);
});

test('QoS and protocol versions as mosquitto names them', () => {
  assert.equal(['0', '1', '2'].map(qos), [0, 1, 2]);
  assert.throws(() => qos('3'), /0, 1 or 2/);
  assert.equal(['31', 'mqttv31', '311', '4', 'mqttv311', '5', 'mqttv5'].map(protocolLevel), [3, 3, 4, 4, 4, 5, 5]);
  assert.throws(() => protocolLevel('6'), /31, 311 or 5/);
  assert.equal(collect('b', collect('a')), ['a', 'b']);
});

test('exit codes: 3 for nobody there, the command’s own, else 1', () => {
  assert.is(exitCodeOf(Object.assign(new Error(), { code: 'ECONNREFUSED' })), EXIT.unreachable);
  assert.is(exitCodeOf(Object.assign(new Error(), { code: 'EACCES' })), EXIT.failed);
  assert.is(exitCodeOf(new CommandError(EXIT.usage, 'no')), EXIT.usage);
  assert.is(exitCodeOf('thrown text'), EXIT.failed);
});

test('work in flight is bounded, all of it is awaited, and a failure surfaces', async () => {
  const inFlight = new InFlight(3);
  let running = 0;
  let peak = 0;
  let done = 0;
  const work = async (turns: number): Promise<void> => {
    peak = Math.max(peak, ++running);
    for (let i = 0; i < turns; i++) await undefined;
    running -= 1;
    done += 1;
  };
  for (let i = 0; i < 20; i++) await inFlight.add(work(i % 7));
  await inFlight.settled();
  assert.is(done, 20);
  assert.ok(peak <= 3);
  const failing = new InFlight(5);
  await failing.add(work(3));
  try {
    await failing.add(Promise.reject(new Error('no')));
    await failing.settled();
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'no');
  }
});

test.run();
