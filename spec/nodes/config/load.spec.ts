import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/base/errors.ts';
import { MQTT_PACKET_BYTES_MAX } from '../../../src/base/limits.ts';
import { CONFIG_KEYS, type ConfigKey } from '../../../src/nodes/config/keys.ts';
import { type ConfigInput, defaultConfig, digestConfig, type LoadedConfig, loadConfig } from '../../../src/nodes/config/load.ts';
import { printConfig, printConfigJson } from '../../../src/nodes/config/print.ts';
import { NODE_MAX } from '../../../src/runtime/ref.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
const tomlPath = join(folder, 'sluice.toml');

function load(input: { assignments?: string[]; environment?: Record<string, string>; toml?: string }): LoadedConfig {
  if (input.toml !== undefined) writeFileSync(tomlPath, input.toml);
  return loadConfig({
    assignments: input.assignments ?? [],
    environment: input.environment ?? {},
    file: input.toml === undefined ? undefined : tomlPath,
  });
}

function failure(run: () => unknown): SluiceError {
  try {
    run();
  } catch (error) {
    assert.instance(error, SluiceError, String(error));
    assert.not((error as SluiceError).message.includes('\n'), 'one line');
    return error as SluiceError;
  }
  throw new Error('nothing was refused');
}

/** One of these suits every key that takes a list. */
const LISTS: (string[] | object[])[] = [
  ['meta'],
  ['7@example.net:7600', '8@[::1]:1'],
  ['workers=sticky', 'other=random'],
  ['file'],
  ['devices=tls+file'],
  ['HS256'],
  ['client_connected'],
  ['onConnect'],
  ['a/# ^a$ b'],
  ['X-Y: z'],
  ['https://a.example'],
  [{ cert_file: 'a.pem', key_file: 'a.key' }],
];
/** One of these suits every key that takes a text. */
const TEXTS = ['other', '/other', 'http://other', 'mysql://other', 'postgresql://other', 'redis://other', 'HGETALL other'];

const TABLES: Readonly<Record<NonNullable<ConfigKey['leaf']['tables']>, object[]>> = {
  listener: [{ name: 'plant', type: 'tcp', port: 0, limits: { inflight_max: 7 } }],
  bridge: [{ name: 'north', urls: ['mqtt://north'], topics: [{ direction: 'out', filter: '#' }] }],
  'payload-schema': [{ filter: 'a/#', type: 'json', file: 'a.json' }],
};

/** A value that a key allows and that differs from its default. */
function otherValue(key: ConfigKey): string | number | boolean | string[] | object[] {
  const { leaf } = key;
  if (leaf.type === 'integer') return leaf.default === leaf.maximum ? leaf.minimum! : leaf.maximum!;
  if (leaf.type === 'boolean') return !leaf.default;
  if (leaf.tables !== undefined) return TABLES[leaf.tables];
  if (leaf.type === 'array') return LISTS.find(key.accepts)!;
  if (leaf.enum !== undefined) return leaf.enum.find((value) => value !== leaf.default)!;
  return TEXTS.find(key.accepts)!;
}

/** As TOML writes it. */
function asToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asToml).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{ ${Object.entries(value as object)
    .map(([name, inner]) => `${name} = ${asToml(inner)}`)
    .join(', ')} }`;
}

function asText(value: string | number | boolean | string[] | object[]): string {
  if (!Array.isArray(value)) return String(value);
  return typeof value[0] === 'object' ? asToml(value) : value.join(',');
}

const test = suite('config');
test.after(() => rmSync(folder, { recursive: true }));

test('with nothing set, every value is its default and says so', () => {
  const { config, settings } = load({});
  assert.is(config.mqtt.tcp.port, 1883);
  assert.is(config.http.port, 8090);
  assert.is(config.mqtt.tcp.host, '127.0.0.1');
  assert.equal(config.node.roles, ['meta', 'broker', 'journal']);
  assert.is(settings.length, CONFIG_KEYS.size);
  assert.ok(settings.every(({ source }) => source === 'default'));
  assert.equal(config, defaultConfig());
});

test('bounds that the schema repeats are those of the system', () => {
  assert.is(CONFIG_KEYS.get('mqtt.max_packet_bytes')?.leaf.maximum, MQTT_PACKET_BYTES_MAX);
  assert.is(CONFIG_KEYS.get('node.id')?.leaf.maximum, NODE_MAX);
});

test('every key can be set by each source, and each source beats those below it', () => {
  for (const key of CONFIG_KEYS.values()) {
    const value = otherValue(key);
    const [section, name] = [key.path.slice(0, key.path.lastIndexOf('.')), key.path.slice(key.path.lastIndexOf('.') + 1)];
    const sources = {
      file: { toml: `[${section}]\n${name} = ${asToml(value)}\n` },
      env: { environment: { [key.environmentName]: asText(value) } },
      flag: { assignments: [`${key.path}=${asText(value)}`] },
    };
    const standard = key.leaf.default;
    const beaten = {
      toml: `[${section}]\n${name} = ${JSON.stringify(standard)}\n`,
      environment: { [key.environmentName]: asText(standard as string) },
    };
    for (const [source, input] of Object.entries(sources)) {
      const lower = source === 'flag' ? beaten : source === 'env' ? { toml: beaten.toml } : {};
      const setting = load({ ...lower, ...input }).settings.find((candidate) => candidate.key === key);
      assert.equal(setting?.value, value, `${key.path} from ${source}`);
      assert.is(setting?.source, source);
    }
  }
});

test('the last of several flags for one key wins', () => {
  assert.is(load({ assignments: ['http.port=1', 'http.port=2'] }).config.http.port, 2);
});

test('the origin names the flag, the variable or the file', () => {
  const { settings } = load({
    toml: 'http.port = 1',
    environment: { SLUICE_LOG__LEVEL: 'debug', PATH: '/bin' },
    assignments: ['node.id=7'],
  });
  const originOf = (path: string): string | undefined => settings.find(({ key }) => key.path === path)?.origin;
  assert.is(originOf('http.port'), tomlPath);
  assert.is(originOf('log.level'), 'SLUICE_LOG__LEVEL');
  assert.is(originOf('node.id'), '--set');
  assert.is(originOf('mqtt.tcp.port'), 'default');
});

test('an unknown key is refused with the nearest known one, whatever the source', () => {
  const table: [Parameters<typeof load>[0], string, string][] = [
    [{ assignments: ['mqtt.tcp.prot=1884'] }, 'mqtt.tcp.prot', 'mqtt.tcp.port'],
    [{ assignments: ['mqtt.port=1884'] }, 'mqtt.port', 'mqtt.tcp.port'],
    [{ assignments: ['node.thread=2'] }, 'node.thread', 'node.threads'],
    [{ assignments: ['threads=2'] }, 'threads', 'node.threads'],
    [{ environment: { SLUICE_MQTT__TPC__PORT: '1' } }, 'mqtt.tpc.port', 'mqtt.tcp.port'],
    [{ environment: { SLUICE_MQTT_TCP_PORT: '1' } }, 'mqtt_tcp_port', 'mqtt.tcp.port'],
    [{ environment: { SLUICE_MQTT__MAX__PACKET__BYTES: '1' } }, 'mqtt.max.packet.bytes', 'mqtt.max_packet_bytes'],
    [{ toml: '[mqtt.queue]\nmessage_max = 3' }, 'mqtt.queue.message_max', 'mqtt.queue.messages_max'],
    [{ toml: '[http]\nprot = 3' }, 'http.prot', 'http.port'],
    [{ toml: '[htp]' }, 'htp', 'http.host'],
    [{ toml: 'mqtt = 3' }, 'mqtt', 'mqtt.'],
    [{ toml: '[__proto__]\nx = 1' }, '__proto__.x', ''],
  ];
  for (const [input, key, nearest] of table) {
    const error = failure(() => load(input));
    assert.is(error.code, 'SLUICE_CONFIG_UNKNOWN_KEY', key);
    assert.ok(error.message.startsWith(`${key} = `), error.message);
    assert.ok(error.message.includes(`the nearest key is ${nearest}`), error.message);
  }
});

test('variables that only share the prefix are left alone', () => {
  load({
    environment: { SLUICE_PORT_1883_TCP_ADDR: '10.0.0.1', SLUICE_SERVICE_HOST: '10.0.0.1', SLUICE_HOME: '/x', SLUICE: '1' },
  });
});

test('a bad value is refused with the key, the value, the source and what is allowed', () => {
  const table: [Parameters<typeof load>[0], string, string][] = [
    [
      { assignments: ['mqtt.tcp.port=70000'] },
      'mqtt.tcp.port = "70000" (--set)',
      'an integer from -1 to 65535, its default is 1883',
    ],
    [{ assignments: ['mqtt.tcp.port='] }, 'mqtt.tcp.port = ""', 'an integer'],
    [{ assignments: ['mqtt.tcp.port=0x10'] }, 'mqtt.tcp.port = "0x10"', 'an integer'],
    [{ assignments: ['mqtt.tcp.port=1e3'] }, 'mqtt.tcp.port = "1e3"', 'an integer'],
    [{ assignments: ['mqtt.tcp.port'] }, 'mqtt.tcp.port = "" (--set without =value)', 'an integer'],
    [{ assignments: ['auth.insecure=yes'] }, 'auth.insecure = "yes"', 'true or false'],
    [{ assignments: ['node.roles='] }, 'node.roles = ""', 'a list, not empty'],
    [{ assignments: ['node.roles=meta,meta'] }, 'node.roles = "meta,meta"', 'without repeats'],
    [{ assignments: ['node.roles=["meta"'] }, 'node.roles = "[\\"meta\\""', 'a list'],
    [{ environment: { SLUICE_LOG__LEVEL: 'loud' } }, 'log.level = "loud" (SLUICE_LOG__LEVEL)', 'one of trace, debug, info'],
    [{ toml: 'http.port = "8090"' }, `http.port = "8090" (${tomlPath})`, 'an integer'],
    [{ toml: 'http.port = 1.5' }, 'http.port = 1.5', 'an integer'],
    [{ toml: 'http.port = {}' }, 'http.port = {}', 'an integer'],
    [{ toml: 'http.port = 1979-05-27T07:32:00Z' }, 'http.port = 1979-05-27', 'an integer'],
    [{ toml: 'auth.insecure = 1' }, 'auth.insecure = 1', 'true or false'],
    [{ toml: 'node.data = ""' }, 'node.data = ""', 'text that is not empty'],
  ];
  for (const [input, head, allowed] of table) {
    const error = failure(() => load(input));
    assert.is(error.code, 'SLUICE_CONFIG_BAD_VALUE', head);
    assert.ok(error.message.startsWith(head), error.message);
    assert.ok(error.message.includes(allowed), error.message);
  }
});

test('a file that is missing or not TOML is named', () => {
  const missing = failure(() => loadConfig({ assignments: [], environment: {}, file: '/nonexistent/sluice.toml' }));
  assert.is(missing.code, 'SLUICE_CONFIG_FILE');
  assert.match(missing.message, '"/nonexistent/sluice.toml" cannot be read: ENOENT');
  const broken = failure(() => load({ toml: 'a = 1\nb = \n' }));
  assert.is(broken.code, 'SLUICE_CONFIG_FILE');
  assert.match(broken.message, /is not valid TOML: line 2/);
});

test('lists come as a,b or as TOML', () => {
  assert.equal(load({ assignments: ['node.roles=meta, broker'] }).config.node.roles, ['meta', 'broker']);
  assert.equal(load({ assignments: ['node.roles=["meta", "broker"]'] }).config.node.roles, ['meta', 'broker']);
  assert.equal(load({ assignments: ['cluster.meta='] }).config.cluster.meta, []);
});

test('garbage from any source is either refused in one coded line or gives a configuration that its own schema accepts', () => {
  const path = fc.oneof(
    fc.constantFrom(...CONFIG_KEYS.keys()),
    fc.string({ unit: 'binary' }),
    fc.array(fc.string(), { maxLength: 5 }).map((names) => names.join('.')),
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer().map(String),
    fc.constantFrom('true', '[', '[]', '{}', 'null', '-0', '١'),
  );
  const input: fc.Arbitrary<ConfigInput> = fc.record({
    assignments: fc.array(
      fc.oneof(
        text,
        fc.tuple(path, text).map(([key, value]) => `${key}=${value}`),
      ),
      { maxLength: 3 },
    ),
    environment: fc.dictionary(
      fc.oneof(
        fc.constantFrom(...CONFIG_KEYS.keys()).map((key) => CONFIG_KEYS.get(key)!.environmentName),
        path.map((key) => `SLUICE_${key}`),
      ),
      text,
      { maxKeys: 2 },
    ),
    file: fc.constant(undefined),
  });
  fc.assert(
    fc.property(input, (garbage) => {
      let loaded: LoadedConfig;
      try {
        loaded = loadConfig(garbage);
      } catch (error) {
        assert.instance(error, SluiceError, String(error));
        assert.match((error as SluiceError).message, /^[^\n\r\u2028]*$/u);
        assert.ok((error as SluiceError).message.length < 700);
        return;
      }
      for (const { key, value } of loaded.settings) assert.ok(key.accepts(value), key.path);
    }),
    { numRuns: 2000 },
  );
});

test('garbage as a file is refused in one coded line', () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(
        fc.constantFrom(...CONFIG_KEYS.keys()),
        fc.constantFrom('1', '"x"', '[]', '{ a = 1 }', '[[1]]', 'inf', '07:32:00', '9007199254740993', ''),
      )
      .map(([key, value]) => `${key} = ${value}`),
    fc.constantFrom(...CONFIG_KEYS.keys()).map((key) => `[[${key}]]`),
  );
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
      try {
        for (const { key, value } of load({ toml: lines.join('\n') }).settings) assert.ok(key.accepts(value), key.path);
      } catch (error) {
        assert.instance(error, SluiceError, String(error));
        assert.match((error as SluiceError).message, /^[^\n\r\u2028]*$/u);
      }
    }),
    { numRuns: 500 },
  );
});

test('--print-config is a TOML file that gives the same values, with each source', () => {
  const texts = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(texts, fc.integer({ min: -1, max: 65535 }), (data, port) => {
      const first = load({ environment: { SLUICE_NODE__DATA: data }, assignments: [`http.port=${port}`] });
      const printed = printConfig(first.settings);
      assert.match(printed, /http\.port = -?\d+ +# flag "--set" · SLUICE_HTTP__PORT/);
      assert.match(printed, /# env "SLUICE_NODE__DATA"/);
      assert.match(printed, /mqtt\.tcp\.port = 1883 +# default · SLUICE_MQTT__TCP__PORT/);
      const second = load({ toml: printed });
      assert.equal(second.config, first.config);
      assert.is(digestConfig(second.settings), digestConfig(first.settings));
    }),
    { numRuns: 200 },
  );
});

test('--print-config --json has every key with value and source', () => {
  const { settings } = load({ assignments: ['http.port=5'] });
  const printed = JSON.parse(printConfigJson(settings));
  assert.is(Object.keys(printed.keys).length, CONFIG_KEYS.size);
  assert.equal(printed.keys['http.port'], {
    value: 5,
    source: 'flag',
    origin: '--set',
    environment: 'SLUICE_HTTP__PORT',
    reserved: false,
  });
  assert.is(printed.digest, digestConfig(settings));
});

test('two configurations have one digest exactly when their values are equal', () => {
  const digest = (assignments: string[]): string => digestConfig(load({ assignments }).settings);
  assert.is(digest([]), digest(['mqtt.tcp.port=1883']));
  assert.is.not(digest([]), digest(['mqtt.tcp.port=1884']));
});

test.run();
