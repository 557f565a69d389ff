import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashTopic, type Topic, TopicTable } from '../../../src/actors/router/topic-table.ts';
import { TOPIC_PROBES_MAX } from '../../../src/base/limits.ts';
import { topicName } from './arbitraries.ts';

const test = suite('topic-table');

function intern(table: TopicTable, name: string): Topic | undefined {
  // In the middle of other bytes, as in a read buffer.
  const bytes = Buffer.from(`xx${name}yy`);
  return table.intern(bytes, 2, bytes.length - 2);
}

test('the same bytes are the same topic, as long as it is not evicted', () => {
  fc.assert(
    fc.property(fc.array(topicName, { maxLength: 80 }), fc.integer(), (names, seed) => {
      const table = new TopicTable(1000, seed);
      const known = new Map<string, Topic>();
      for (const name of names) {
        const topic = intern(table, name)!;
        assert.is(topic.name, name);
        assert.equal(Buffer.from(topic.bytes).toString(), name);
        assert.is(known.get(name) ?? topic, topic);
        assert.is(table.find(name), topic);
        assert.is(table.internName(name), topic);
        known.set(name, topic);
      }
      assert.is(table.size, known.size);
    }),
    { numRuns: 500 },
  );
});

test('refuses what is no topic name, each time', () => {
  const table = new TopicTable(10);
  for (const bad of ['', 'a/+', '#', 'a\0']) {
    assert.is(intern(table, bad), undefined);
    assert.is(intern(table, bad), undefined);
    assert.is(table.internName(bad), undefined);
  }
  assert.is(table.intern(new Uint8Array([0xff, 0x61]), 0, 2), undefined);
  assert.is(table.internName('x'.repeat(65_536)), undefined);
  assert.is(table.find('x'.repeat(70_000)), undefined);
  assert.is(table.size, 0);
});

test('keeps a byte order mark and the longest name', () => {
  const table = new TopicTable(10);
  assert.is(intern(table, '\ufeffa')?.name, '\ufeffa');
  const longest = `${'é'.repeat(32_767)}x`;
  assert.is(intern(table, longest), table.find(longest));
});

test('holds at most its maximum and stays whole under random use', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(fc.nat(120), { maxLength: 600 }), (max, numbers) => {
      const table = new TopicTable(max, 7);
      const live = new Map<string, Topic>();
      for (const n of numbers) {
        const topic = intern(table, `t/${n}`)!;
        live.set(topic.name, topic);
        for (const [name, each] of live) {
          if (each.live) assert.is(table.find(name), each);
          else live.delete(name);
        }
        assert.ok(topic.live);
        assert.is(table.size, live.size);
        assert.ok(table.size <= max);
      }
    }),
    { numRuns: 100 },
  );
});

test('evicts what was not looked up since the hand last came by', () => {
  const table = new TopicTable(100);
  const hot = intern(table, 'hot')!;
  for (let i = 0; i < 5000; i++) {
    intern(table, `cold/${i}`);
    assert.is(intern(table, 'hot'), hot);
  }
  assert.ok(hot.live);
  assert.is(table.size, 100);
  assert.is(table.evictions, 5001 - 100);
});

test('an evicted topic forgets its cache, and its weight with it', () => {
  const table = new TopicTable(2);
  const first = intern(table, 'first')!;
  first.deliveries = [];
  first.version = 9;
  first.weight = 5;
  table.weight = 5;
  for (let i = 0; first.live; i++) intern(table, `other/${i}`);
  assert.is(first.deliveries, null);
  assert.is(first.version, 0);
  assert.is(table.weight, 0);
});

test('adoption brings a topic back, or finds who took its name', () => {
  const table = new TopicTable(2);
  const first = intern(table, 'first')!;
  for (let i = 0; first.live; i++) intern(table, `other/${i}`);
  assert.is(table.adopt(first), first);
  assert.ok(first.live);
  assert.is(table.find('first'), first);
  for (let i = 0; first.live; i++) intern(table, `other/${i}`);
  const second = intern(table, 'first')!;
  assert.is.not(second, first);
  assert.is(table.adopt(first), second);
  assert.not.ok(first.live);
});

test('names that collide push each other out instead of making a long chain', () => {
  const table = new TopicTable(10_000);
  // With 1024 slots and seed 0: names whose hashes agree in their low 14 bits, however large the table grows here.
  const colliding: string[] = [];
  for (let i = 0; colliding.length < TOPIC_PROBES_MAX + 20; i++) {
    const bytes = Buffer.from(`c/${i}`);
    if ((hashTopic(bytes, 0, bytes.length, 0) & 0x3fff) === 77) colliding.push(`c/${i}`);
  }
  for (const name of colliding) assert.ok(intern(table, name)!.live);
  assert.is(table.size, TOPIC_PROBES_MAX);
  assert.is(table.evictions, 20);
  for (const name of colliding.slice(-5)) assert.is(table.find(name)?.name, name);
});

test('the hash depends on every byte, on the length and on the seed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, flip) => {
      const hash = hashTopic(bytes, 0, bytes.length, 1);
      const other = bytes.slice();
      other[at % bytes.length]! ^= flip;
      assert.is.not(hashTopic(other, 0, other.length, 1), hash);
      assert.is(hashTopic(Uint8Array.of(1, ...bytes), 1, bytes.length + 1, 1), hash);
    }),
    { numRuns: 5000 },
  );
  assert.is.not(hashTopic(new Uint8Array(3), 0, 3, 0), hashTopic(new Uint8Array(4), 0, 4, 0));
  const spread = new Set(Array.from({ length: 100 }, (_, seed) => hashTopic(Buffer.from('a/b'), 0, 3, seed)));
  assert.ok(spread.size > 95);
});

test.run();
