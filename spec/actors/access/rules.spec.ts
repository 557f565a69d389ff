import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AddressList, addressOf, parseAddressBlock } from '../../../src/actors/access/address-list.ts';
import { BanTable } from '../../../src/actors/access/bans.ts';
import { globMatches } from '../../../src/actors/access/glob.ts';
import type { Identity, Rule } from '../../../src/actors/access/messages.ts';
import { RuleTable } from '../../../src/actors/access/rules.ts';

const ANNA: Identity = { clientId: 'c1', username: 'anna', address: '10.1.2.3', groups: ['staff'], listener: 'tcp' };
const rule = (about: Partial<Rule>): Rule => ({ permission: 'allow', action: 'all', ...about });
const isAbout = (about: Partial<Rule>, identity: Identity = ANNA): boolean =>
  new RuleTable([rule(about)]).rulesFor(identity).length === 1;

const test = suite('rules');

test('a rule is about those whom all of its lists name', () => {
  const table: [Partial<Rule>, boolean][] = [
    [{}, true],
    [{ users: ['anna'] }, true],
    [{ users: ['otto', 'anna'] }, true],
    [{ users: ['otto'] }, false],
    [{ users: ['a*'] }, true],
    [{ clients: ['c1'], users: ['otto'] }, false],
    [{ clients: ['c*'], users: ['anna'] }, true],
    [{ groups: ['staff'] }, true],
    [{ groups: ['guests'] }, false],
    [{ listeners: ['tls', 'tcp'] }, true],
    [{ listeners: ['tls'], users: ['anna'] }, false],
    [{ addresses: ['10.0.0.0/8'] }, true],
    [{ addresses: ['10.1.2.4', '192.168.0.0/16'] }, false],
    [{ addresses: ['10.1.2.3'], groups: ['staff'], users: ['anna'], clients: ['c1'] }, true],
    [{ users: [''] }, false],
  ];
  for (const [about, expected] of table) assert.is(isAbout(about), expected, JSON.stringify(about));
  assert.ok(isAbout({ users: [''] }, { ...ANNA, username: '' }), 'the empty name is that of nobody');
});

test('rules of different lists keep their order', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom<Partial<Rule>>(
          {},
          { users: ['anna'] },
          { clients: ['c1'] },
          { users: ['a*'] },
          { users: ['otto'] },
          { clients: ['c2'] },
        ),
        { maxLength: 30 },
      ),
      (kinds) => {
        const rules = kinds.map((about, i) => rule({ ...about, topics: [`t${i}`] }));
        const expected = rules.flatMap(({ users, clients, topics }) =>
          users?.[0] === 'otto' || clients?.[0] === 'c2' ? [] : [topics![0]],
        );
        const found = new RuleTable(rules).rulesFor(ANNA).map(({ patterns }) => patterns![0]!.levels[0]);
        assert.equal(found, expected);
      },
    ),
  );
});

test('qos and retain choose the publishes, qos the subscriptions', () => {
  const bits = (about: Partial<Rule>): [number, number] => {
    const [found] = new RuleTable([rule(about)]).rulesFor(ANNA);
    return [found!.publishes, found!.subscriptions];
  };
  assert.equal(bits({}), [0b111111, 0b111]);
  assert.equal(bits({ action: 'publish' }), [0b111111, 0]);
  assert.equal(bits({ action: 'subscribe' }), [0, 0b111]);
  assert.equal(bits({ qos: [1] }), [0b001100, 0b010]);
  assert.equal(bits({ qos: [0, 2], retain: true }), [0b100010, 0b101]);
  assert.equal(bits({ retain: false }), [0b010101, 0b111]);
});

test('a glob matches as the regular expression that it stands for', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 6 });
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 }), text, (pattern, name) => {
      const expected = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll(/\*+/g, '.*')}$`).test(name);
      assert.is(globMatches(pattern, name), expected, `${pattern} ${name}`);
    }),
    { numRuns: 3000 },
  );
});

test('addresses: blocks of both families, nonsense, and IPv4 in the dress of IPv6', () => {
  const list = new AddressList(['10.0.0.0/8', '::1', 'fd00::/8', 'nonsense']);
  for (const [address, expected] of [
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['::1', true],
    ['fd12::1', true],
    ['fe80::1', false],
    ['', false],
  ] as const) {
    assert.is(list.has(address), expected, address);
  }
  assert.is(addressOf('::ffff:10.0.0.1:4711'), '10.0.0.1');
  assert.is(addressOf('::1:4711'), '::1');
  assert.is(addressOf('[fd00::1]:80'), 'fd00::1');
  assert.is(addressOf('127.0.0.1:1'), '127.0.0.1');
  assert.is(addressOf(''), '');
  for (const bad of ['', '10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/-1', '10.0.0.0/8/8', 'host'])
    assert.is(parseAddressBlock(bad), undefined, bad);
});

test('bans hold by client id, user and address, until their time is over', () => {
  const bans = new BanTable([
    { kind: 'client', value: 'c1', until: 100, reason: '' },
    { kind: 'user', value: 'otto', until: null, reason: '' },
    { kind: 'address', value: '10.0.0.0/8', until: 50, reason: '' },
  ]);
  const free: Identity = { clientId: 'c9', username: '', address: '127.0.0.1', groups: [], listener: 'tcp' };
  assert.not(bans.forbids(free, 0));
  assert.ok(bans.forbids({ ...free, clientId: 'c1' }, 99));
  assert.not(bans.forbids({ ...free, clientId: 'c1' }, 100));
  assert.not(bans.forbids({ ...free, username: 'c1' }, 0), 'a user name is not a client id');
  assert.ok(bans.forbids({ ...free, username: 'otto' }, 1e15));
  assert.ok(bans.forbids({ ...free, address: '10.3.4.5' }, 49));
  assert.ok(bans.forbidsAddress('10.3.4.5', 49));
  assert.not(bans.forbidsAddress('10.3.4.5', 50));
});

test.run();
