import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AccessOptions, AccessPolicy } from '../../../src/actors/access/policy.ts';
import type { Authorizer } from '../../../src/actors/access/rights.ts';
import type { SluiceError } from '../../../src/base/errors.ts';
import { parseRuleFile, readRuleFile } from '../../../src/nodes/access/rule-file.ts';
import { readRules } from '../../../src/nodes/access/rule-schema.ts';

const test = suite('files of access rules');

const OPTIONS: AccessOptions = {
  sources: [{ name: 'file', kind: 'book' }],
  noMatch: 'allow',
  checksDeliveries: true,
  grantsSubscriptions: false,
  denyOnFailure: true,
  disconnectsOnDenial: false,
  flapping: null,
  cacheMs: 1000,
};
const NOBODY = {} as Authorizer;

function whatIsWrong(file: string, text: string): string {
  try {
    parseRuleFile(file, text);
  } catch (error) {
    assert.is((error as SluiceError).code, 'SLUICE_ACL_FILE');
    return (error as SluiceError).message;
  }
  return '';
}

test('TOML: rules in their order', () => {
  const rules = parseRuleFile(
    'acl.toml',
    `[[rule]]
permission = "deny"
action = "subscribe"
topics = ["eq #", "$SYS/#"]
users = ["guest*"]

[[rule]]
permission = "allow"
action = "publish"
topics = ["devices/%c/#"]
addresses = ["10.0.0.0/8"]
qos = [0, 1]
retain = false
`,
  );
  assert.equal(rules, [
    { permission: 'deny', action: 'subscribe', topics: ['eq #', '$SYS/#'], users: ['guest*'] },
    {
      permission: 'allow',
      action: 'publish',
      topics: ['devices/%c/#'],
      addresses: ['10.0.0.0/8'],
      qos: [0, 1],
      retain: false,
    },
  ]);
  assert.equal(parseRuleFile('acl.toml', ''), []);
});

test('TOML: what is wrong is said with its place', () => {
  const rule = (more: string): string => `[[rule]]\npermission = "allow"\naction = "all"\n[[rule]]\npermission = "deny"\n${more}`;
  const table: [text: string, message: RegExp][] = [
    ['x', /"acl.toml" is not valid TOML: line 1/],
    ['rules = []', /has "rules"; there are only \[\[rule\]\] tables/],
    [rule(''), /rule 2: the rule must have required property 'action'/],
    [rule('action = "read"'), /rule 2: action must be equal/],
    [rule('action = "all"\ntopic = "a"'), /rule 2: the rule must NOT have additional properties/],
    [rule('action = "all"\ntopics = ["a/#/b"]'), /rule 2: topics: "a\/#\/b" is not a topic filter/],
    [rule('action = "all"\naddresses = ["10.0.0.0/40"]'), /rule 2: addresses: "10.0.0.0\/40" is neither/],
    [rule('action = "all"\nqos = [3]'), /rule 2: qos.0 must be <= 2/],
  ];
  for (const [text, message] of table) assert.match(whatIsWrong('acl.toml', text), message);
  assert.throws(() => readRuleFile('/nonexistent/acl'), /"\/nonexistent\/acl" cannot be read: ENOENT/);
  assert.match(readRules(Array.from({ length: 100_001 }, () => ({}))) as string, /more than 100000/);
});

const ACL = `# anonymous
topic read public/#
topic $SYS/#

user anna
topic readwrite anna/#
topic deny anna/private/#
topic write both words/x

# everybody
pattern write devices/%c/up
pattern read devices/%u/down
`;

test('mosquitto: who may do what, as mosquitto would say', () => {
  const policy = new AccessPolicy(OPTIONS, { file: parseRuleFile('acl', ACL) });
  const table: [user: string, client: string, action: 'publish' | 'receive', topic: string, allowed: boolean][] = [
    ['', 'c', 'receive', 'public/a', true],
    ['', 'c', 'publish', 'public/a', false],
    ['', 'c', 'publish', '$SYS/x', true],
    ['anna', 'c', 'receive', 'public/a', false],
    ['anna', 'c', 'publish', 'anna/x', true],
    ['anna', 'c', 'receive', 'anna/x', true],
    ['anna', 'c', 'receive', 'anna/private/x', false],
    ['anna', 'c', 'publish', 'both words/x', true],
    ['otto', 'c', 'publish', 'anna/x', false],
    ['otto', 'd7', 'publish', 'devices/d7/up', true],
    ['otto', 'd7', 'publish', 'devices/d8/up', false],
    ['otto', 'd7', 'receive', 'devices/otto/down', true],
    ['otto', '+', 'publish', 'devices/x/up', false],
  ];
  for (const [username, clientId, action, topic, allowed] of table) {
    const rights = policy.rightsOf({ username, clientId, address: '127.0.0.1', groups: [], listener: 'tcp' }, undefined)!;
    let publishes: boolean | undefined;
    rights.resolvePublish(topic, 0, false, 0, NOBODY, (verdict) => {
      publishes = verdict;
    });
    const verdict = action === 'publish' ? publishes : rights.mayReceive(topic);
    assert.is(verdict, allowed, `${username || 'nobody'} (${clientId}) ${action} ${topic}`);
  }
});

test('mosquitto: a bad line is named by its number', () => {
  assert.match(whatIsWrong('acl', 'topic a\n\nuser\n'), /"acl" line 3 names no user/);
  assert.match(whatIsWrong('acl', 'topic'), /line 1 has no topic filter/);
  assert.match(whatIsWrong('acl', 'topic read a/#/b'), /line 1 has no topic filter/);
  assert.match(whatIsWrong('acl', 'allow a'), /line 1 is not a/);
  assert.match(whatIsWrong('acl', 'topic read %c'), /line 1 has a placeholder outside of a `pattern` line/);
});

test.run();
