import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../src/base/errors.ts';
import { loadConfig } from '../../src/nodes/config/load.ts';
import { printConfig, printConfigJson } from '../../src/nodes/config/print.ts';
import type { Config } from '../../src/nodes/config/schema.ts';
import { checkMembers, isWireOn, readKeys, wireBootOf } from '../../src/nodes/wire-boot.ts';

const test = suite('wire boot');

function config(...assignments: string[]): Config {
  return loadConfig({ assignments, environment: {}, file: undefined }).config;
}

function codeOf(run: () => void): string | undefined {
  try {
    run();
  } catch (error) {
    return (error as SluiceError).code;
  }
  return undefined;
}

test('a node by itself has no wire; one of a cluster has, unless it is off', () => {
  assert.is(isWireOn(config()), false);
  assert.is(isWireOn(config('cluster.meta=1@a:1')), true);
  assert.is(isWireOn(config('cluster.meta=1@a:1', 'wire.port=-1')), false);
});

test('members are checked', () => {
  checkMembers(config('cluster.meta=1@a:1,2@[::1]:7600'));
  for (const meta of ['1@a:1,1@b:2', '0@a:1', '1024@a:1', '1@a b:1', '1@a:0']) {
    assert.is(
      codeOf(() => checkMembers(config(`cluster.meta=["${meta.replaceAll(',', '","')}"]`))),
      'SLUICE_CONFIG_BAD_VALUE',
      meta,
    );
  }
});

test('keys belong together, and QUIC needs them', () => {
  assert.is(readKeys(config()), undefined);
  assert.is(
    codeOf(() => readKeys(config('wire.transport=quic'))),
    'SLUICE_WIRE_TRANSPORT',
  );
  assert.is(
    codeOf(() => readKeys(config('wire.tls.cert=/nowhere'))),
    'SLUICE_CONFIG_BAD_VALUE',
  );
});

test('others are told the address of cluster.meta, or the one that is bound', () => {
  const life = { incarnation: 5, boots: 1 };
  const member = config('cluster.meta=1@one.example:7601,2@b:2', 'node.id=1');
  assert.is(wireBootOf(member, life, undefined, 9, 1, undefined).address, 'one.example:7601');
  const guest = config('cluster.meta=1@one.example:7601', 'node.id=7', 'wire.host=::1');
  assert.is(wireBootOf(guest, life, undefined, 9, 1, undefined).address, '[::1]:9');
});

test('the secret is shown to nobody', () => {
  const { settings } = loadConfig({ assignments: ['wire.secret=psst'], environment: {}, file: undefined });
  for (const text of [printConfig(settings), printConfigJson(settings)]) {
    assert.not.match(text, /psst/);
    assert.match(text, /\*\*\*/);
  }
});

test.run();
