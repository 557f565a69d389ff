import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OutboundAliases } from '../../../src/actors/session/outbound-aliases.ts';

const test = suite('outbound aliases');

test('whoever knows what was set understands what is sent', () => {
  const topics = fc.integer({ min: 0, max: 12 }).map((i) => `some/long/topic/${i}`);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(topics, { maxLength: 200 }), (max, sent) => {
      const aliases = new OutboundAliases(max);
      const client = new Map<number, string>();
      for (const topic of sent) {
        const bytes = Buffer.from(`..${topic}.`);
        const alias = aliases.find(bytes, 2, bytes.length - 1);
        assert.ok(Math.abs(alias) <= max);
        if (alias > 0) assert.is(client.get(alias), topic);
        if (alias >= 0) continue;
        aliases.set(-alias, bytes, 2, bytes.length - 1);
        client.set(-alias, topic);
      }
    }),
  );
});

test('a topic that keeps coming keeps its alias, and one that takes over gets it', () => {
  const aliases = new OutboundAliases(1);
  const [one, two] = [Buffer.from('topic/one'), Buffer.from('topic/two')];
  const find = (topic: Buffer): number => aliases.find(topic, 0, topic.length);
  assert.is(find(one), -1);
  aliases.set(1, one, 0, one.length);
  assert.equal([find(one), find(two), find(one), find(two), find(one)], [1, 0, 1, 0, 1]);
  assert.equal([find(two), find(two)], [0, -1], 'it has come twice in a row');
  const short = Buffer.from('short');
  assert.is(aliases.find(short, 0, short.length), 0, 'an alias would save nothing');
});

test.run();
