/** Bugs that a metadata service could have; the simulated clusters that serve metadata have to find each. */
import { type Mutant, mutant } from '../planting/mutant.ts';

const META = 'src/actors/meta/';
const SERVICE = `${META}service/`;
const CLIENT = `${META}client/`;
const STATE = `${META}state/`;

export const META_MUTANTS: readonly Mutant[] = [
  mutant('reads-are-not-confirmed', [`${META}actor.js`, 'if (isStale)\n            read();', 'if (true)\n            read();']),
  mutant('answers-of-an-entry-are-swapped', [
    `${META}actor.js`,
    'this.#answer(callers[i], answerOf(reply))',
    'this.#answer(callers.at(-1 - i), answerOf(reply))',
  ]),
  mutant('claims-ignore-the-revision', [`${META}machine.js`, 'expected < 0 || expected === modified', 'true']),
  mutant('claims-tell-the-revision-before', [
    `${META}machine.js`,
    'const now = isDone ? (bytes === undefined ? 0 : change.revision) : modified;',
    'const now = modified;',
  ]),
  mutant('claims-tell-the-record-after', [
    `${META}machine.js`,
    'before: wantsBefore ? before : undefined',
    'before: wantsBefore ? this.keyspace.get(key) : undefined',
  ]),
  mutant('transactions-always-succeed', [`${META}machine.js`, 'compares.every((compare)', 'true || compares.every((compare)']),
  mutant('followers-renew-leases', [`${META}actor.js`, 'if (ledTerm === 0)', 'if (false)']),
  mutant('renewals-do-not-count', [
    `${SERVICE}lease-clock.js`,
    'this.#dueMs.set(id, nowMs + lease.ttlMs);\n            return lease.ttlMs;',
    'return lease.ttlMs;',
  ]),
  mutant('leases-are-renewed-while-they-end', [`${SERVICE}lease-clock.js`, 'this.#ending.has(id)', 'false']),
  mutant('keys-do-not-leave-a-lease', [
    `${STATE}revision.js`,
    'if (before !== undefined && before.lease !== lease && before.lease !== 0)',
    'if (false)',
  ]),
  mutant('new-leader-takes-leases-for-old', [
    `${SERVICE}lease-clock.js`,
    'this.#dueMs.set(id, nowMs + ttlMs);\n    }',
    'this.#dueMs.set(id, nowMs);\n    }',
  ]),
  mutant('new-leader-forgets-leases', [`${SERVICE}lease-clock.js`, 'if (term > 0)', 'if (false)']),
  mutant('watches-miss-the-compaction', [
    `${SERVICE}watches.js`,
    'if (watch.next <= history.compacted)',
    'if (watch.next <= history.compacted && (watch.next = history.compacted + 1) < 0)',
  ]),
  mutant('watches-tell-more-than-they-looked-at', [
    `${SERVICE}watches.js`,
    'watch.told = watch.next - 1;\n            watch.room',
    'watch.told = watch.next;\n            watch.room',
  ]),
  mutant('watches-forget-deletions', [
    `${SERVICE}watches.js`,
    'changes.filter(({ key }) => key >= from',
    'changes.filter(({ key, after }) => after && key >= from',
  ]),
  mutant('watches-resume-one-too-far', [`${CLIENT}watches.js`, 'watch.since = through + 1;', 'watch.since = through + 2;']),
  mutant('watches-resume-where-they-began', [`${CLIENT}watches.js`, 'watch.since = through + 1;', ';']),
  mutant('commands-without-a-session', [`${CLIENT}client.js`, 'inSession: link.inSession(call)', 'inSession: undefined']),
  mutant('expired-is-tried-again', [
    `${CLIENT}client.js`,
    "if (call.isUnsure)\n            return this.#fail(call, 'unknown');",
    '',
  ]),
  mutant('given-up-is-said-not-to-be-done', [`${CLIENT}client.js`, "isUnsure ? 'unknown' : 'unavailable'", "'unavailable'"]),
  mutant('lost-services-answer-nothing', [
    `${CLIENT}client.js`,
    'call.isUnsure = true;\n        this.#elsewhere(call, now);',
    'call.isUnsure = false;\n        this.#elsewhere(call, now);',
  ]),
  mutant('open-commands-count-as-answered', [`${CLIENT}group-link.js`, 'if (call.session === session)', 'if (false)']),
  mutant('sessions-do-commands-again', [
    'src/actors/raft/sessions/session-machine.js',
    "if (known.state === 'done')",
    'if (false)',
  ]),
  mutant('image-without-sessions', [
    `${META}replica.js`,
    'const sessions = this.#sessions.pieces();',
    'const sessions = new this.#sessions.constructor(1, 1).pieces();',
  ]),
  mutant('image-without-grants', [`${META}image.js`, 'writer.varint(grant);', 'writer.varint(0);']),
  mutant('image-without-leases', [
    `${META}image.js`,
    'const all = leases.all().map((lease) => ({ ...lease }));',
    'const all = [];',
  ]),
  mutant('restore-keeps-what-was-there', [`${META}machine.js`, 'this.keyspace.clear();', '']),
  mutant('pages-of-different-revisions', [
    `${STATE}range.js`,
    'if (revision === 0 || revision === machine.revision)',
    'if (true)',
  ]),
  mutant('pages-of-what-was-forget-the-deleted', [
    `${STATE}range.js`,
    '.filter((record) => record !== undefined)',
    '.filter((record) => record !== undefined && machine.keyspace.get(record.key) !== undefined)',
  ]),
];
