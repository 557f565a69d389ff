import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isCoded } from '../../../src/base/errors.ts';
import { loadConfig } from '../../../src/nodes/config/load.ts';
import { intakeOptions } from '../../../src/nodes/extensions/intake-options.ts';

const test = suite('intake options');

const optionsOf = (...assignments: readonly string[]): ReturnType<typeof intakeOptions> =>
  intakeOptions(loadConfig({ assignments, environment: {}, file: undefined }).config, 2);

test('rules and subscriptions as they are written', () => {
  const options = optionsOf(
    'mqtt.rewrite.publish=["a/# ^a/(.+)$ b/$1"]',
    'mqtt.rewrite.both=["c ^c$ d"]',
    'mqtt.auto_subscribe=["in/%c qos=2 no_local retain_as_published retain_handling=1", "$share/g/jobs"]',
    'mqtt.delayed.messages_max=5',
  );
  assert.equal(options.rewrite, [
    { action: 'publish', filter: 'a/#', pattern: '^a/(.+)$', to: 'b/$1' },
    { action: 'all', filter: 'c', pattern: '^c$', to: 'd' },
  ]);
  assert.equal(options.autoSubscribe, [
    { filter: 'in/%c', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 1 },
    { filter: '$share/g/jobs', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
  ]);
  assert.is(options.delayed?.messagesMax, 3, 'shared out among the reactors');
  assert.is(optionsOf('mqtt.delayed.enabled=false').delayed, null);
});

test('what makes no sense is refused with the reason', () => {
  for (const [assignment, why] of [
    ['mqtt.rewrite.publish=["a/# ^(a$ b"]', 'a ( without its )'],
    ['mqtt.rewrite.publish=["a/# ^(?=a)$ b"]', 'look-around'],
    ['mqtt.rewrite.publish=["a/# ^a$ b/$1"]', 'no group 1'],
    ['mqtt.rewrite.publish=["a/# ^a$ b/+"]', 'no topic name'],
    ['mqtt.rewrite.subscribe=["a/#/b ^a$ b"]', 'no plain topic filter'],
    ['mqtt.rewrite.subscribe=["$share/g/a ^a$ b"]', 'no plain topic filter'],
    ['mqtt.auto_subscribe=["a#"]', 'no topic filter'],
    [`mqtt.rewrite.both=${JSON.stringify(Array.from({ length: 257 }, () => 'a ^a$ b'))}`, 'at most'],
    ['mqtt.rewrite.both=["a b"]', 'not allowed'],
    ['mqtt.auto_subscribe=["a qos=3"]', 'not allowed'],
  ] as const) {
    assert.throws(
      () => optionsOf(assignment),
      (error: unknown) => isCoded(error) && error.code === 'SLUICE_CONFIG_BAD_VALUE' && error.message.includes(why),
      assignment,
    );
  }
});

test.run();
