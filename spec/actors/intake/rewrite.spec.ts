import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AutoSubscriptions } from '../../../src/actors/intake/auto-subscribe.ts';
import { parseDelayedTopic } from '../../../src/actors/intake/delayed-topic.ts';
import { type RewriteRule, Rewriter } from '../../../src/actors/intake/rewrite.ts';
import { TopicTemplate } from '../../../src/actors/intake/template.ts';
import { isTopicName, parseFilter } from '../../../src/wire/mqtt/topics.ts';

const test = suite('intake: rewriting, templates, delayed topics');
const WHO = { clientId: 'c1', username: 'ada' };

const rule = (filter: string, pattern: string, to: string, action: RewriteRule['action'] = 'all'): RewriteRule => ({
  action,
  filter,
  pattern,
  to,
});

function rewritten(rules: readonly RewriteRule[], topic: string, who = WHO): string | undefined {
  const found = new Rewriter(rules, 'publish').find(topic);
  return found?.template.fill(found.groups, who);
}

test('the first rule that is about a topic decides, and others leave it alone', () => {
  const rules = [
    rule('x/#', '^x/y/(.+)$', 'z/y/$1'),
    rule('x/#', '^x/(.+)/(.+)$', 'w/$2/$1'),
    rule('y/+/z/#', '^y/(.+)/z/(.+)$', 'y/z/$2'),
    rule('me', '^me$', 'clients/%c/${username}'),
  ];
  assert.is(rewritten(rules, 'x/y/2'), 'z/y/2');
  assert.is(rewritten(rules, 'x/1/2'), 'w/2/1');
  assert.is(rewritten(rules, 'x/1'), undefined);
  assert.is(rewritten(rules, 'y/a/z/b/c'), 'y/z/b/c');
  assert.is(rewritten(rules, 'me'), 'clients/c1/ada');
  assert.is(rewritten(rules, '$SYS/x'), undefined);
});

test('an action is about publishing, subscribing or both', () => {
  const rules = [rule('a', '^a$', 'b', 'publish'), rule('c', '^c$', 'd', 'subscribe')];
  assert.is(rewritten(rules, 'c'), undefined);
  const filters = new Rewriter(rules, 'subscribe');
  assert.is(filters.filterFor('a', WHO), 'a');
  assert.is(filters.filterFor('c', WHO), 'd');
  assert.is(filters.filterFor('$share/g/c', WHO), '$share/g/d');
  assert.is(filters.filterFor('$queue/c', WHO), '$queue/d');
  assert.is(filters.filterFor('$exclusive/c', WHO), '$exclusive/d');
});

test('a client cannot smuggle wildcards into a template by its names', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (clientId, username) => {
      const filled = new TopicTemplate('c/%c/u/%u').fill([], { clientId, username });
      if (/[+#]/.test(clientId + username) || clientId === '' || username === '') assert.is(filled, undefined);
      else assert.is(filled, `c/${clientId}/u/${username}`);
    }),
  );
  const auto = new AutoSubscriptions([
    { filter: 'in/%c/#', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
  ]);
  assert.equal(auto.entriesFor({ clientId: '#', username: '' }), []);
  assert.is(auto.entriesFor({ clientId: 'a', username: '' })[0]!.filter, 'in/a/#');
});

test('groups of a template', () => {
  assert.is(new TopicTemplate('a/$3/$1').groups, 3);
  assert.is(new TopicTemplate('a').groups, 0);
  assert.is(new TopicTemplate('a/$2').fill(['', 'one', undefined], null), 'a/');
  assert.not(new TopicTemplate('a/$2').isPersonal);
});

test('delayed topics: a number of seconds and a topic, or nothing', () => {
  assert.equal(parseDelayedTopic('$delayed/5/a/b'), { seconds: 5, topic: 'a/b' });
  for (const name of [
    '$delayed',
    '$delayed/',
    '$delayed/5',
    '$delayed/5/',
    '$delayed/-1/a',
    '$delayed/1.5/a',
    '$delayed/12345678901/a',
    '$delayed/ 1/a',
    'delayed/1/a',
  ])
    assert.is(parseDelayedTopic(name), undefined, name);
  fc.assert(
    fc.property(fc.nat(), fc.string({ minLength: 1 }), (seconds, topic) => {
      assert.equal(parseDelayedTopic(`$delayed/${seconds}/${topic}`), { seconds, topic });
    }),
  );
});

test('what comes out of a rule whose parts are topics is a topic', () => {
  const level = fc.string({ minLength: 1, maxLength: 5, unit: fc.constantFrom('a', 'b', 'é', ' ') });
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 4 }), (levels) => {
      const name = `in/${levels.join('/')}`;
      const out = rewritten([rule('in/#', '^in/(.+)$', 'out/%c/$1')], name)!;
      assert.is(out, `out/c1/${levels.join('/')}`);
      const bytes = Buffer.from(out);
      assert.ok(isTopicName(bytes, 0, bytes.length));
    }),
  );
});

test('exclusive filters are parsed, and only with something behind the prefix', () => {
  assert.equal(parseFilter('$exclusive/a/+'), { filter: 'a/+', levels: ['a', '+'], isExclusive: true });
  assert.is(parseFilter('$exclusive/'), undefined);
  assert.is(parseFilter('$exclusive/a#'), undefined);
});

test.run();
