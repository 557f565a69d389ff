import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Identity, PermitReply, Rule, RulesReply } from '../../../src/actors/access/messages.ts';
import { type AccessOptions, AccessPolicy } from '../../../src/actors/access/policy.ts';
import type { Authorizer, Rights, RuleSource } from '../../../src/actors/access/rights.ts';
import { filterMatches } from '../../../src/actors/router/filter-match.ts';
import { TopicTable } from '../../../src/actors/router/topic-table.ts';

const ANNA: Identity = { clientId: 'c1', username: 'anna', address: '10.1.2.3', groups: [], listener: 'tcp' };
const BOOK: RuleSource = { name: 'file', kind: 'book' };
const FETCHED: RuleSource = { name: 'mysql', kind: 'fetched' };
const ASKED: RuleSource = { name: 'http', kind: 'asked' };
const CLAIMS: RuleSource = { name: 'jwt', kind: 'claims' };

function options(some: Partial<AccessOptions> = {}): AccessOptions {
  return {
    sources: [BOOK],
    noMatch: 'deny',
    checksDeliveries: false,
    grantsSubscriptions: false,
    denyOnFailure: true,
    disconnectsOnDenial: false,
    flapping: null,
    cacheMs: 1000,
    ...some,
  };
}

/** Main, answering when told to. */
class Main implements Authorizer {
  readonly asked: string[] = [];
  readonly #waiting: ((answer: unknown) => void)[] = [];

  fetchRules({ source, identity }: { source: string; identity: Identity }, then: (reply: RulesReply | undefined) => void): void {
    this.asked.push(`${source} rules of ${identity.clientId}`);
    this.#waiting.push(then as (answer: unknown) => void);
  }

  askPermit(
    { source, action, topic, qos, retain }: { source: string; action: string; topic: string; qos: number; retain: boolean },
    then: (reply: PermitReply | undefined) => void,
  ): void {
    this.asked.push(`${source} ${action} ${topic} ${qos}${retain ? ' retained' : ''}`);
    this.#waiting.push(then as (answer: unknown) => void);
  }

  answer(reply: RulesReply | PermitReply | undefined): void {
    this.#waiting.shift()!(reply);
  }
}

const publish = (rights: Rights, topic: string, main: Main = new Main(), now = 0): { allowed?: boolean } => {
  const outcome: { allowed?: boolean } = {};
  rights.resolvePublish(topic, 0, false, now, main, (allowed) => {
    outcome.allowed = allowed;
  });
  return outcome;
};
const subscribe = (rights: Rights, filter: string, main: Main = new Main(), isShared = false): { allowed?: boolean } => {
  const outcome: { allowed?: boolean } = {};
  rights.resolveSubscribe(filter, 0, isShared, 0, main, (allowed) => {
    outcome.allowed = allowed;
  });
  return outcome;
};
const allow = (action: Rule['action'], ...topics: string[]): Rule => ({ permission: 'allow', action, topics });
const deny = (action: Rule['action'], ...topics: string[]): Rule => ({ permission: 'deny', action, topics });

function rightsUnder(rules: readonly Rule[], some: Partial<AccessOptions> = {}, identity = ANNA): Rights {
  return new AccessPolicy(options(some), { file: rules }).rightsOf(identity, undefined)!;
}

const test = suite('rights');

test('the first rule that fits decides, for publishing as a walk through the list would', () => {
  const topic = fc.constantFrom('a', 'a/b', 'a/b/c', 'b', '$SYS/x');
  const filter = fc.constantFrom('a', 'a/#', '+/b', '#', 'b', '$SYS/#', 'a/b/c');
  const rule = fc.record({
    permission: fc.constantFrom<'allow' | 'deny'>('allow', 'deny'),
    action: fc.constantFrom<Rule['action']>('publish', 'subscribe', 'all'),
    topics: fc.array(filter, { minLength: 1, maxLength: 2 }),
    qos: fc.constantFrom<readonly number[]>([0], [1, 2], [0, 1, 2]),
    retain: fc.constantFrom(true, false),
  });
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 8 }), topic, fc.boolean(), (rules, name, byDefault) => {
      const rights = rightsUnder(rules, { noMatch: byDefault ? 'allow' : 'deny' });
      const topicOfName = new TopicTable(100, 1).internName(name)!;
      const grant = rights.grant(topicOfName);
      for (const qos of [0, 1, 2]) {
        for (const retain of [false, true]) {
          const decisive = rules.find(
            (each) =>
              each.action !== 'subscribe' &&
              each.qos.includes(qos) &&
              each.retain === retain &&
              each.topics.some((text) => filterMatches(text, name)),
          );
          const expected = decisive === undefined ? byDefault : decisive.permission === 'allow';
          assert.is(((grant >> ((qos << 1) | (retain ? 1 : 0))) & 1) === 1, expected);
        }
      }
      assert.is(rights.grant(topicOfName), grant, 'the remembered verdict is the same');
    }),
    { numRuns: 500 },
  );
});

test('a subscription needs a rule that covers it, and none that denies a part of it', () => {
  const rights = rightsUnder([deny('subscribe', 'secret/#'), allow('all', '#'), allow('all', '$SYS/broker/#')]);
  for (const [filter, allowed] of [
    ['a/b', true],
    ['#', false],
    ['+/x', false],
    ['secret/a', false],
    ['a/#', true],
    ['$SYS/broker/uptime', true],
    ['$SYS/#', false],
  ] as const) {
    assert.is(subscribe(rights, filter).allowed, allowed, filter);
  }
});

test('with deliveries checked a subscription may be wider than what comes of it', () => {
  const rights = rightsUnder([deny('subscribe', 'secret/#'), allow('subscribe', 'a/#', 'secret/x')], { checksDeliveries: true });
  assert.ok(subscribe(rights, '#').allowed);
  assert.not(subscribe(rights, 'secret/#').allowed, 'nothing of it may come');
  assert.not(subscribe(rights, 'b/#').allowed);
  assert.not(subscribe(rights, '#', new Main(), true).allowed, 'what a shared subscription gets is not checked');
  assert.ok(subscribe(rights, 'a/x', new Main(), true).allowed);
  assert.ok(rights.mayReceive('a/b'));
  assert.not(rights.mayReceive('secret/x'));
  assert.not(rights.mayReceive('b'));
});

test('and every subscription can be granted, but for shared ones', () => {
  const options = { checksDeliveries: true, grantsSubscriptions: true };
  const rights = rightsUnder([deny('subscribe', 'secret/#'), allow('subscribe', 'a/#')], options);
  for (const filter of ['#', 'secret/#', 'b/#', '$SYS/#']) assert.ok(subscribe(rights, filter).allowed, filter);
  assert.not(subscribe(rights, 'b/#', new Main(), true).allowed, 'what a shared subscription gets is not checked');
  assert.not(rights.mayReceive('b/x'));
  const unchecked = rightsUnder([allow('subscribe', 'a/#')], { checksDeliveries: false, grantsSubscriptions: true });
  assert.not(subscribe(unchecked, 'b/#').allowed, 'nothing else would hold back what comes by it');
});

test('the literal form is about that very filter', () => {
  const rights = rightsUnder([deny('subscribe', 'eq #'), allow('all', '#')]);
  assert.not(subscribe(rights, '#').allowed);
  assert.ok(subscribe(rights, 'a/#').allowed);
  assert.ok(publish(rights, 'a').allowed);
});

test('when nothing is said: by policy, and at loopback by address', () => {
  assert.not(publish(rightsUnder([], { noMatch: 'deny' }), 'a').allowed);
  assert.ok(publish(rightsUnder([], { noMatch: 'allow' }), 'a').allowed);
  assert.not(publish(rightsUnder([], { noMatch: 'loopback' }), 'a').allowed);
  assert.ok(publish(rightsUnder([], { noMatch: 'loopback' }, { ...ANNA, address: '127.0.0.1' }), 'a').allowed);
  assert.ok(publish(rightsUnder([], { noMatch: 'loopback' }, { ...ANNA, address: '' }), 'a').allowed);
  const open = new AccessPolicy(options({ sources: [], noMatch: 'loopback' }));
  assert.is(open.rightsOf(ANNA, undefined), null, 'without sources nothing is asked');
  assert.not(publish(new AccessPolicy(options({ sources: [] })).rightsOf(ANNA, undefined)!, 'a').allowed);
});

test('claims are the client’s own, in their place among the sources', () => {
  const policy = new AccessPolicy(options({ sources: [CLAIMS, BOOK] }), { file: [deny('all', '#')] });
  const rights = policy.rightsOf(ANNA, [allow('publish', 'own/%c')])!;
  assert.ok(publish(rights, 'own/c1').allowed);
  assert.not(publish(rights, 'own/c2').allowed);
});

test('rules are fetched once, and again when they are old', () => {
  const policy = new AccessPolicy(options({ sources: [BOOK, FETCHED] }), { file: [allow('publish', 'free')] });
  const rights = policy.rightsOf(ANNA, undefined)!;
  const holder = {
    rights,
    identity: ANNA,
    traceChanged: () => undefined,
    rightsChanged: () => undefined,
    expel: () => undefined,
  };
  policy.enter(holder);
  const main = new Main();
  assert.ok(publish(rights, 'free', main).allowed);
  assert.equal(main.asked, [], 'what the rules in memory decide is not asked');
  const first = publish(rights, 'a', main, 100);
  assert.is(first.allowed, undefined);
  main.answer({ rules: [allow('publish', 'a')] });
  assert.ok(first.allowed);
  assert.not(publish(rights, 'b', main).allowed);
  assert.is(main.asked.length, 1);
  policy.sweep(100 + 749);
  assert.not(publish(rights, 'b', main).allowed);
  assert.is(main.asked.length, 1, 'not old enough');
  policy.sweep(100 + 751);
  publish(rights, 'a', main);
  assert.is(main.asked.length, 2);
});

test('a question is asked for each way to publish, and its answer kept', () => {
  const rights = new AccessPolicy(options({ sources: [ASKED] })).rightsOf(ANNA, undefined)!;
  const topic = new TopicTable(10, 1).internName('t')!;
  const main = new Main();
  assert.is(rights.grant(topic), 0);
  const first = publish(rights, 't', main);
  main.answer({ verdict: 'allow' });
  assert.ok(first.allowed);
  assert.is(rights.grant(topic), 0b000001);
  assert.ok(rights.knowsPublish('t', 0b000001));
  assert.not(rights.knowsPublish('t', 0b000010));
  rights.resolvePublish('t', 1, true, 0, main, () => undefined);
  main.answer({ verdict: 'deny' });
  assert.is(rights.grant(topic), 0b000001);
  assert.ok(rights.knowsPublish('t', 0b001000), 'known to be denied');
  assert.equal(main.asked, ['http publish t 0', 'http publish t 1 retained']);
});

test('a source that says nothing passes the question on; one that fails does what the policy says', () => {
  for (const [verdict, denyOnFailure, expected] of [
    ['ignore', true, true],
    ['failed', true, false],
    ['failed', false, true],
  ] as const) {
    const policy = new AccessPolicy(options({ sources: [ASKED, BOOK], denyOnFailure }), { file: [allow('all', '#')] });
    const main = new Main();
    const rights = policy.rightsOf(ANNA, undefined)!;
    const outcome = publish(rights, 'a', main);
    main.answer({ verdict });
    assert.is(outcome.allowed, expected, `${verdict} ${denyOnFailure}`);
    assert.is(rights.oldestAt === Number.NEGATIVE_INFINITY, verdict === 'failed', 'a failure is looked at again soon');
  }
  for (const denyOnFailure of [true, false]) {
    const policy = new AccessPolicy(options({ sources: [FETCHED, BOOK], denyOnFailure }), { file: [allow('all', '#')] });
    const main = new Main();
    const outcome = publish(policy.rightsOf(ANNA, undefined)!, 'a', main);
    main.answer(undefined);
    assert.is(outcome.allowed, !denyOnFailure);
  }
});

test('changed rules count at once, also for what a topic remembers', () => {
  const policy = new AccessPolicy(options(), { file: [allow('publish', 'a')] });
  const rights = policy.rightsOf(ANNA, undefined)!;
  let told = 0;
  policy.enter({ rights, identity: ANNA, traceChanged: () => undefined, rightsChanged: () => told++, expel: () => undefined });
  const topic = new TopicTable(10, 1).internName('a')!;
  assert.is(rights.grant(topic), 0b111111);
  policy.replaceRules('file', []);
  assert.is(told, 1);
  assert.is(rights.grant(topic), 0);
});

test('two clients on one topic each have their own verdict', () => {
  const policy = new AccessPolicy(options(), { file: [{ ...allow('publish', 'a'), clients: ['c1'] }] });
  const [one, other] = [policy.rightsOf(ANNA, undefined)!, policy.rightsOf({ ...ANNA, clientId: 'c2' }, undefined)!];
  const topic = new TopicTable(10, 1).internName('a')!;
  for (let round = 0; round < 3; round++) {
    assert.is(one.grant(topic), 0b111111);
    assert.is(other.grant(topic), 0);
  }
});

test('bans that come expel those whom they are about', () => {
  const policy = new AccessPolicy(options());
  const expelled: string[] = [];
  for (const clientId of ['c1', 'c2']) {
    const identity = { ...ANNA, clientId };
    policy.enter({
      rights: null,
      identity,
      traceChanged: () => undefined,
      rightsChanged: () => undefined,
      expel: () => expelled.push(clientId),
    });
  }
  policy.replaceBans([{ kind: 'client', value: 'c2', until: null, reason: '' }], 0);
  assert.equal(expelled, ['c2']);
  assert.ok(policy.forbids({ ...ANNA, clientId: 'c2' }, 0));
  assert.not(policy.forbids(ANNA, 0));
});

test.run();
