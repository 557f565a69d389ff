import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MQTT_TOPIC_LEVELS_MAX } from '../../../src/base/limits.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import { isSharedFilter, isTopicName, parseFilter, topicNameFault } from '../../../src/wire/mqtt/topics.ts';
import { topicName } from './arbitraries.ts';

const test = suite('topics');

function fault(text: string | readonly number[]): number {
  const bytes = Buffer.from(text as string);
  const framed = Buffer.concat([Buffer.from('+'), bytes, Buffer.from('#')]);
  assert.is(isTopicName(framed, 1, 1 + bytes.length), topicNameFault(framed, 1, 1 + bytes.length) === 0);
  return topicNameFault(framed, 1, 1 + bytes.length);
}

test('accepts topic names', () => {
  for (const name of ['a', '/', '//', 'a/b/c', 'ü/漢/😀', ' ', '$SYS/x', '\ufeff', 'a'.repeat(65_535)])
    assert.is(fault(name), 0, name.slice(0, 20));
  assert.is(fault('/'.repeat(MQTT_TOPIC_LEVELS_MAX - 1)), 0);
  fc.assert(fc.property(topicName, (name) => assert.is(fault(name), 0)));
});

test('refuses what is no topic name, with the reason', () => {
  for (const name of ['', '+', '#', 'a/+', 'a+b', 'ü#', '/'.repeat(MQTT_TOPIC_LEVELS_MAX)]) {
    assert.is(fault(name), Reason.TOPIC_NAME_INVALID, name.slice(0, 20));
  }
  for (const name of ['\0', 'a\0b', 'ü\0', '+\0', [0x61, 0xff], [0xed, 0xa0, 0x80], [0x2b, 0xc3]]) {
    assert.is(fault(name), Reason.MALFORMED_PACKET, String(name));
  }
});

test('parses filters', () => {
  for (const [filter, levels] of [
    ['a', ['a']],
    ['#', ['#']],
    ['+', ['+']],
    ['a/#', ['a', '#']],
    ['+/b/+', ['+', 'b', '+']],
    ['/', ['', '']],
    ['/#', ['', '#']],
    ['$SYS/#', ['$SYS', '#']],
    ['$share', ['$share']],
    ['$shared/a', ['$shared', 'a']],
    ['a//b', ['a', '', 'b']],
  ] as const) {
    assert.equal(parseFilter(filter), { filter, levels }, filter);
  }
});

test('parses shared subscriptions', () => {
  assert.equal(parseFilter('$share/g/a/+/#'), { filter: 'a/+/#', levels: ['a', '+', '#'], shareGroup: 'g' });
  assert.equal(parseFilter('$share/g//'), { filter: '/', levels: ['', ''], shareGroup: 'g' });
  assert.ok(isSharedFilter('$share/'));
  assert.not.ok(isSharedFilter('$share'));
});

test('refuses filters that break a rule', () => {
  const many = 'a/'.repeat(MQTT_TOPIC_LEVELS_MAX);
  for (const filter of [
    '',
    'a#',
    '#a',
    '##',
    '#/a',
    'a/#/b',
    'a+',
    '+a',
    'a/+b/c',
    '++',
    '+#',
    'a\0b',
    '\ud800',
    '$share/',
    '$share//a',
    '$share/g',
    '$share/g/',
    '$share/g+/a',
    '$share/#/a',
    '$share/g/a#',
    '$share/g\0/a',
    many,
    `$share/g/${many}`,
    'a'.repeat(65_536),
    'ü'.repeat(32_768),
  ]) {
    assert.is(parseFilter(filter), undefined, filter.slice(0, 20));
  }
});

test('a topic name is a filter that matches itself, level by level', () => {
  fc.assert(
    fc.property(topicName, (name) => {
      if (isSharedFilter(name)) return;
      assert.equal(parseFilter(name), { filter: name, levels: name.split('/') });
    }),
  );
});

test('the rules of wildcards hold for any filter', () => {
  const character = fc.constantFrom('a', 'b', '+', '#', '/', '/', '$');
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 10 }), (filter) => {
      const levels = filter.split('/');
      const valid = filter !== '' && levels.every((l, i) => (l === '#' ? i === levels.length - 1 : l === '+' || !/[+#]/.test(l)));
      assert.is(parseFilter(filter) !== undefined, valid, filter);
    }),
    { numRuns: 2000 },
  );
});

test.run();
