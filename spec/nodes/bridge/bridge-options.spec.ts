// The tables of mqtt.bridges: defaults, files, and what is refused with the reason. Passwords are shown to nobody.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isCoded } from '../../../src/base/errors.ts';
import { bridgeSpecs } from '../../../src/nodes/bridge/bridge-options.ts';
import type { BridgeSpec } from '../../../src/nodes/bridge/bridge-spec.ts';
import { loadConfig } from '../../../src/nodes/config/load.ts';
import { printConfig, printConfigJson } from '../../../src/nodes/config/print.ts';

const test = suite('bridge options');
const folder = mkdtempSync(join(tmpdir(), 'sluice-bridge-options-'));
test.after(() => rmSync(folder, { recursive: true }));

const load = (...tables: readonly string[]): ReturnType<typeof loadConfig> =>
  loadConfig({ assignments: [`mqtt.bridges=[${tables.join(',')}]`], environment: {}, file: undefined });
const read = (...tables: readonly string[]): BridgeSpec[] => bridgeSpecs(load(...tables).config);
const table = (more = '', topics = '[{direction="out",filter="#"}]'): string =>
  `{name="cloud",urls=["mqtt://192.0.2.1"],topics=${topics}${more === '' ? '' : `,${more}`}}`;

test('a table with its defaults', () => {
  const [bridge] = read(table());
  assert.equal(bridge, {
    name: 'cloud',
    urls: ['mqtt://192.0.2.1'],
    protocol: 5,
    clientId: 'sluice-1-cloud',
    cleanStart: false,
    username: undefined,
    password: undefined,
    keepAliveSeconds: 60,
    reconnectMsMin: 1000,
    reconnectMsMax: 60_000,
    notifies: true,
    tls: { verify: true },
    topics: [{ direction: 'out', filter: '#', qos: 1, localPrefix: '', remotePrefix: '' }],
  });
});

test('a password may be in a file, whose last line ends', () => {
  const file = join(folder, 'password');
  writeFileSync(file, ' se cret \n');
  const [bridge] = read(table(`username="u",password_file="${file}"`));
  assert.is(bridge!.password, ' se cret ');
});

test('what makes no sense is refused with the reason', () => {
  for (const [tables, code, why] of [
    [['{name="a"}'], 'SLUICE_CONFIG_BAD_VALUE', 'it lacks urls'],
    [[table('nonsense=1')], 'SLUICE_CONFIG_BAD_VALUE', 'nonsense'],
    [[table().replace('mqtt:', 'ftp:')], 'SLUICE_CONFIG_BAD_VALUE', 'urls'],
    [[table('', '[{direction="up",filter="#"}]')], 'SLUICE_CONFIG_BAD_VALUE', 'topics[0].direction'],
    [[table('', '[{direction="out",filter="#",qos=3}]')], 'SLUICE_CONFIG_BAD_VALUE', 'topics[0].qos'],
    [[table('', '[]')], 'SLUICE_BRIDGE_CONFIG', 'topics'],
    [[table('', '[{direction="out",filter="#",local_prefix="b"}]')], 'SLUICE_BRIDGE_CONFIG', "'b#'"],
    [[table('', '[{direction="out",filter="a//#/b"}]')], 'SLUICE_BRIDGE_CONFIG', 'filter'],
    [[table('', '[{direction="in",filter="$SYS/#"}]')], 'SLUICE_BRIDGE_CONFIG', '$SYS'],
    [[table('password="a",password_file="b"')], 'SLUICE_BRIDGE_CONFIG', 'both'],
    [[table(`password_file="${folder}/none"`)], 'SLUICE_BRIDGE_CONFIG', 'ENOENT'],
    [[table('tls={cert_file="x"}')], 'SLUICE_BRIDGE_CONFIG', 'together'],
    [[table('tls={verify=false}')], 'SLUICE_BRIDGE_CONFIG', 'mqtts'],
    [[table('reconnect_min_ms=2000,reconnect_max_ms=1000')], 'SLUICE_BRIDGE_CONFIG', 'less'],
    [[table(), table()], 'SLUICE_BRIDGE_CONFIG', 'name'],
    [Array.from({ length: 65 }, (_, i) => table().replace('cloud', `b${i}`)), 'SLUICE_BRIDGE_CONFIG', '64'],
  ] as const) {
    assert.throws(
      () => read(...tables),
      (error: unknown) => isCoded(error) && error.code === code && error.message.includes(why),
      `${tables[0]}: ${why}`,
    );
  }
});

test('a password is shown to nobody, whatever is printed or wrong', () => {
  const { settings } = load(table('password="hunter2"'));
  for (const text of [printConfig(settings), printConfigJson(settings)]) {
    assert.ok(text.includes('cloud') && text.includes('***'), text);
    assert.not.ok(text.includes('hunter2'));
  }
  for (const bad of ['{name="a",password="hunter2"}', table('pasword="hunter2"'), table('password=["hunter2"]')]) {
    assert.throws(
      () => load(bad),
      (error: unknown) => isCoded(error) && !error.message.includes('hunter2'),
      bad,
    );
  }
});

test.run();
