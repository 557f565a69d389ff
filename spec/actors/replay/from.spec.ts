/** What a client may ask for with `sluice-from`, and what it hears when it asks for something else. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { choosePartitions, chooseTopic, filterCovers, readReplayRequest } from '../../../src/actors/replay/from.ts';
import { filterMatches } from '../../../src/actors/router/filter-match.ts';
import type { Declaration } from '../../../src/actors/shard/messages.ts';
import type { SubscribePacket } from '../../../src/wire/mqtt/packets.ts';

const test = suite('sluice-from');

function asked(properties: Readonly<Record<string, string | readonly string[]>>): ReturnType<typeof readReplayRequest> {
  const userProperties = Object.entries(properties).flatMap(([name, values]) =>
    [values].flat().map((value) => ({ name, value: value as string })),
  );
  return readReplayRequest({ type: 8, packetId: 1, userProperties, entries: [] } as unknown as SubscribePacket);
}

function declared(name: string, filter: string, partitions = 1): Declaration {
  const shards = Array.from({ length: partitions }, (_, i) => i + 1);
  return { name, filter, engine: 'shared', shards, fsync: 'always', retentionMs: 0, retentionBytes: 0, replicas: 1 };
}

test('every form of a place', () => {
  const forms: [string, unknown][] = [
    ['earliest', { at: 'earliest' }],
    ['latest', { at: 'latest' }],
    ['12', { at: 'offset', offset: 12 }],
    ['offset:12', { at: 'offset', offset: 12 }],
    ['offset:0=5, 3=7', { at: 'offsets', offsets: new Map([[0, 5], [3, 7]]) }], // biome-ignore format: one line each
    ['2026-01-02T03:04:05Z', { at: 'time', timestampMs: Date.UTC(2026, 0, 2, 3, 4, 5) }],
    ['timestamp:2026-01-02T05:04:05.5+02:00', { at: 'time', timestampMs: Date.UTC(2026, 0, 2, 3, 4, 5, 500) }],
    ['timestamp:1767322800000', { at: 'time', timestampMs: 1_767_322_800_000 }],
  ];
  for (const [text, from] of forms)
    assert.equal(asked({ 'sluice-from': text }), { from, topic: undefined, partitions: undefined });
  assert.is(asked({ other: 'x' }), undefined);
  assert.equal(asked({ 'sluice-from': 'latest', 'sluice-topic': 't', 'sluice-partition': '3,1,3' }), {
    from: { at: 'latest' },
    topic: 't',
    partitions: [1, 3],
  });
});

test('everything else is refused with a code', () => {
  const bad = ['', 'first', '-1', '1.5', 'offset:', 'offset:x', 'offset:1=2=3', 'offset:1=2,1=3', 'offset:=1', '99999999999999999', 'timestamp:soon']; // biome-ignore format: a list
  for (const from of [...bad, '2026-13-45T99:00:00Z', 'earliest:1']) {
    const refusal = asked({ 'sluice-from': from });
    assert.ok(refusal !== undefined && 'why' in refusal, from);
    assert.is(refusal.reason, 0x83);
    assert.match(refusal.why, /^SLUICE_REPLAY_INVALID: /);
  }
  for (const properties of [
    { 'sluice-topic': 't' },
    { 'sluice-partition': '1' },
    { 'sluice-from': ['earliest', 'latest'] },
    { 'sluice-from': 'earliest', 'sluice-partition': 'a' },
    { 'sluice-from': 'earliest', 'sluice-topic': ['a', 'b'] },
  ]) {
    const refusal = asked(properties);
    assert.ok(refusal !== undefined && 'why' in refusal, JSON.stringify(properties));
  }
});

test('nothing that a client sends is more than an answer', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const request = asked({ 'sluice-from': text });
      assert.ok(request !== undefined);
    }),
  );
});

test('the topic is the one that has all that the filter matches, or the one that is named', () => {
  const topics = [declared('telemetry', 'sensors/#'), declared('rooms', 'rooms/+/temperature'), declared('hot', 'sensors/hot/+')];
  const chosen = (filter: string, topic?: string): string => {
    const choice = chooseTopic(topics, filter, topic);
    return 'name' in choice ? choice.name : choice.why.split(':')[0]!;
  };
  assert.is(chosen('sensors/cold/1'), 'telemetry');
  assert.is(chosen('sensors/#'), 'telemetry');
  assert.is(chosen('rooms/+/temperature'), 'rooms');
  assert.is(chosen('rooms/#'), 'SLUICE_REPLAY_NO_TOPIC');
  assert.is(chosen('#', 'hot'), 'hot');
  assert.is(chosen('#', 'cold'), 'SLUICE_REPLAY_NO_TOPIC');
  assert.is(chosen('sensors/hot/1'), 'SLUICE_REPLAY_INVALID', 'two have it');
  assert.is(chosen('sensors/hot/1', 'hot'), 'hot');
});

test('partitions must be there, and an offset without a partition needs a topic that has only one', () => {
  const partitionsOf = (properties: Record<string, string>, partitions: number): unknown => {
    const request = asked({ 'sluice-from': 'earliest', ...properties });
    assert.ok(request !== undefined && 'from' in request);
    const chosen = choosePartitions(declared('t', '#', partitions), request);
    return 'why' in chosen ? chosen.reason : chosen;
  };
  assert.equal(partitionsOf({}, 3), [0, 1, 2]);
  assert.equal(partitionsOf({ 'sluice-partition': '2' }, 3), [2]);
  assert.equal(partitionsOf({ 'sluice-partition': '3' }, 3), 0x83);
  assert.equal(partitionsOf({ 'sluice-from': '4' }, 1), [0]);
  assert.equal(partitionsOf({ 'sluice-from': '4' }, 2), 0x83);
  assert.equal(partitionsOf({ 'sluice-from': '4', 'sluice-partition': '1' }, 2), [1]);
  assert.equal(partitionsOf({ 'sluice-from': 'offset:2=1' }, 2), 0x83);
});

test('a filter covers another exactly when it matches all that the other does', () => {
  const level = fc.constantFrom('a', 'b', '', '$x');
  const name = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
  const filter = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', '', '+', '$x'), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
  fc.assert(
    fc.property(filter, filter, fc.array(name, { minLength: 30, maxLength: 60 }), (outer, inner, names) => {
      if (!filterCovers(outer, inner)) return;
      for (const each of names)
        if (filterMatches(inner, each)) assert.ok(filterMatches(outer, each), `${outer} ${inner} ${each}`);
    }),
    { numRuns: 2000 },
  );
  for (const each of ['a', 'a/b', 'a/+', 'a/#', '#', '+', '+/a'])
    assert.ok(filterCovers('#', each) && filterCovers(each, each), each);
});

test.run();
