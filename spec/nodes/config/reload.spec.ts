import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../../src/nodes/config/load.ts';
import { changeOf, isReloadable, reloadedConfig } from '../../../src/nodes/config/reload.ts';

const test = suite('reload of the configuration');

const CHOICES: readonly (readonly [path: string, value: string])[] = [
  ['log.level', 'debug'],
  ['alarms.memory', '7'],
  ['mqtt.rewrite.publish', '["a ^a$ b"]'],
  ['mqtt.auto_subscribe', 'in/%c'],
  ['mqtt.delayed.enabled', 'false'],
  ['mqtt.retained.expiry_s', '5'],
  ['mqtt.retained.messages_max', '5'],
  ['mqtt.tcp.port', '77'],
  ['node.id', '7'],
  ['auth.chain', 'anonymous'],
];
const some = fc.subarray([...CHOICES]).map((all) => all.map(([path, value]) => `${path}=${value}`));

test('what holds afterwards is the new value of each key that can change, and the old one of each other; every change is named once', () => {
  fc.assert(
    fc.property(some, some, (one, other) => {
      const load = (assignments: readonly string[]) => loadConfig({ assignments, environment: {}, file: undefined });
      const [before, after] = [load(one), load(other)];
      const { applied, refused, settings } = changeOf(before.settings, after.settings);
      const config = reloadedConfig(before.config, after.config);
      for (const [index, setting] of settings.entries()) {
        const { path } = setting.key;
        const [old, fresh] = [before.settings[index]!.value, after.settings[index]!.value];
        const isChanged = JSON.stringify(old) !== JSON.stringify(fresh);
        assert.equal(setting.value, isReloadable(path) ? fresh : old, path);
        assert.is(applied.includes(path), isChanged && isReloadable(path), path);
        assert.is(refused.includes(path), isChanged && !isReloadable(path), path);
        const value = path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config);
        assert.equal(value, setting.value, path);
      }
    }),
    { numRuns: 50 },
  );
});

test('listeners may get other limits and rates; whatever else of them changes keeps the whole list as it was', () => {
  const load = (table: string) =>
    loadConfig({ assignments: [`mqtt.listeners=[{name="a",type="tcp",port=1,${table}}]`], environment: {}, file: undefined });
  const before = load('limits={inflight_max=1}');
  const change = (table: string) => {
    const after = load(table);
    const { applied, refused } = changeOf(before.settings, after.settings);
    const { listeners } = reloadedConfig(before.config, after.config).mqtt;
    return { applied, refused, isTaken: JSON.stringify(listeners) === JSON.stringify(after.config.mqtt.listeners) };
  };
  const taken = { applied: ['mqtt.listeners'], refused: [], isTaken: true };
  assert.equal(change('limits={inflight_max=2},rate={client_bytes=5}'), taken);
  assert.equal(change('proxy_protocol=false'), { applied: [], refused: ['mqtt.listeners'], isTaken: false });
  assert.equal(change('auth="x",limits={inflight_max=2}'), { applied: [], refused: ['mqtt.listeners'], isTaken: false });
});

test('a section is not reloadable because another one begins like it', () => {
  assert.ok(isReloadable('mqtt.delayed.bytes_max'));
  assert.not(isReloadable('mqtt.delayed_more'));
  assert.not(isReloadable('mqtt.auto_subscribe_more'));
});

test.run();
