/** Bugs that others have had with Raft, its log and its sessions; the simulated clusters have to find each. */
import { type Mutant, mutant } from '../planting/mutant.ts';

const CORE = 'src/actors/raft/core/';
const NODE = 'src/actors/raft/node/';
const SIM = 'spec/sim/raft/';
const JOURNAL = 'src/actors/raft/journal/';

export const RAFT_MUTANTS: readonly Mutant[] = [
  mutant('commit-earlier-term-by-count', [`${CORE}commit.js`, 'if (state.log.term(index) !== state.term)', 'if (false)']),
  mutant('vote-not-persisted', [`${CORE}writes.js`, 'vote: state.vote,', 'vote: 0,']),
  mutant('vote-told-before-durable', [`${CORE}vote.js`, 'out.held.push({', 'out.messages.push({']),
  mutant('append-acknowledged-before-durable', [
    `${CORE}follow.js`,
    'function reply(state, { group, from, to }, index, isFull, out) {\n    const { term } = state;\n    out.held.push({',
    'function reply(state, { group, from, to }, index, isFull, out) {\n    const { term } = state;\n    out.messages.push({',
  ]),
  mutant('acknowledges-last-instead-of-matched', [
    `${CORE}follow.js`,
    'reply(state, message, verified, taken.length < fresh.length, out);',
    'reply(state, message, log.lastIndex, taken.length < fresh.length, out);',
  ]),
  mutant('commit-to-last-instead-of-verified', [
    `${CORE}follow.js`,
    'commitTo(state, Math.min(message.commit, verified));',
    'commitTo(state, Math.min(message.commit, log.lastIndex));',
  ]),
  mutant('truncates-without-conflict', [
    `${CORE}follow.js`,
    'return known === 0 ? entries : entries.slice(known);',
    'return entries;',
  ]),
  mutant('no-entry-at-election', [`${CORE}become-leader.js`, 'appendToLog(state, NO_OP, [NO_BYTES]);', '']),
  mutant('pre-vote-raises-term', [
    `${CORE}become-candidate.js`,
    "state.role = 'preCandidate';",
    "state.role = 'preCandidate'; state.term++; state.vote = NO_REPLICA; state.isHardDirty = true;",
  ]),
  mutant('pre-vote-counts-as-vote', [
    `${CORE}step-candidate.js`,
    "if (state.role !== 'preCandidate')\n                return;\n            if (message.isGranted && message.term !== state.term + 1)\n                return;",
    '',
  ]),
  mutant('candidate-keeps-leader', [
    `${CORE}become-candidate.js`,
    "state.role = 'preCandidate';\n    state.lead = NO_REPLICA;",
    "state.role = 'preCandidate';",
  ]),
  mutant('no-stickiness', [`${CORE}term-gate.js`, 'if (!message.isTransfer && isLeaderAlive(state))', 'if (false)']),
  mutant('stickiness-blocks-transfer', [
    `${CORE}term-gate.js`,
    '!message.isTransfer && isLeaderAlive(state)',
    'isLeaderAlive(state)',
  ]),
  mutant('leader-never-checks-quorum', [`${CORE}tick.js`, 'if (!hearsQuorum(state))', 'if (false)']),
  mutant('leader-without-quorum-goes-on', [
    `${CORE}tick.js`,
    'if (!hearsQuorum(state))\n            return becomeFollower(state, state.term, NO_REPLICA, out);',
    'if (!hearsQuorum(state))\n            return broadcastHeartbeat(state, out);',
  ]),
  mutant('learner-refuses-vote', [
    `${CORE}vote.js`,
    'const isGranted = mayVote &&',
    'const isGranted = state.membership.voters.includes(state.self) && mayVote &&',
  ]),
  mutant('learner-counts', [
    `${CORE}quorum.js`,
    'const incoming = majorityValue(membership.voters, progress, pick);',
    'const incoming = majorityValue([...membership.voters, ...membership.learners], progress, pick);',
  ]),
  mutant('joint-counts-new-voters-only', [`${CORE}quorum.js`, 'return Math.min(incoming, outgoing);', 'return incoming;']),
  mutant('leaves-joint-before-commit', [
    `${CORE}apply.js`,
    'appendToLog(state, MEMBERSHIP, [encodeChange(LEAVE_JOINT)]);',
    'appendToLog(state, MEMBERSHIP, [encodeChange(LEAVE_JOINT)]); state.membership = changed(state.membership, LEAVE_JOINT);',
  ]),
  mutant('two-changes-at-once', [`${CORE}propose.js`, 'state.applied < state.pendingChangeIndex || ', '']),
  mutant(
    'change-before-own-commit',
    [
      `${CORE}propose.js`,
      'if (state.applied < state.pendingChangeIndex || !hasCommittedInTerm(state))',
      'if (state.applied < state.pendingChangeIndex)',
    ],
    [`${CORE}become-leader.js`, 'state.pendingChangeIndex = state.termStartIndex;', 'state.pendingChangeIndex = 0;'],
  ),
  mutant('snapshot-keeps-old-membership', [`${CORE}snapshot.js`, 'state.membership = meta.membership;', '']),
  mutant(
    'snapshot-holds-uncommitted-change',
    [
      `${CORE}snapshot.js`,
      "import { commitTo } from './commit.js';",
      "import { commitTo } from './commit.js'; import { changed } from '../membership-change.js'; import { decodeChange } from '../codec/membership-codec.js';",
    ],
    [
      `${CORE}snapshot.js`,
      'if (since.index <= index)\n            membership = since.membership;',
      'membership = since.membership; const { warm = state.log } = state.log; for (let at = index + 1; at <= warm.lastIndex; at++) { const [entry] = warm.entries(at, at, 1); if (entry.kind === 1) membership = changed(membership, decodeChange(entry.data)); }',
    ],
  ),
  mutant('restart-forgets-membership', [
    `${CORE}boot.js`,
    'const memberships = [{ index: snapshot.index, membership: snapshot.membership }];',
    'const memberships = [{ index: snapshot.index, membership: { ...snapshot.membership, learners: [], voters: [] } }];',
  ]),
  mutant('restart-forgets-changes-after-snapshot', [`${CORE}boot.js`, 'if (entry.kind !== MEMBERSHIP)', 'if (true)']),
  mutant('transfers-without-the-log', [`${CORE}transfer.js`, ' || progress.match < state.log.lastIndex', '']),
  mutant(
    'transfer-of-an-earlier-term',
    [
      `${CORE}term-gate.js`,
      'if (message.term < state.term) {',
      "if (message.term < state.term && message.type !== 'timeoutNow') {",
    ],
    [`${CORE}step-follower.js`, 'if (message.from === state.lead)', 'if (true)'],
  ),
  mutant('read-before-own-commit', [`${CORE}reads.js`, 'last.seq > 0 || !hasCommittedInTerm(state)', 'last.seq > 0']),
  mutant('read-round-number-reused', [`${CORE}reads.js`, 'const seq = ++state.readSeq;', 'const seq = (state.readSeq = 1);']),
  mutant('lease-from-receipt', [
    `${CORE}step-leader.js`,
    'progress.leaseFromMs = Math.max(progress.leaseFromMs, message.sentMs);',
    'progress.leaseFromMs = state.nowMs;',
  ]),
  mutant('lease-checked-before-look', [
    `${NODE}reads-waiting.js`,
    'const seen = ready.client.look(ready.answer);\n            const isOk = isLeaseValid(ready.answer);',
    'const isOk = isLeaseValid(ready.answer);\n            const seen = ready.client.look(ready.answer);',
  ]),
  mutant('stale-durability', [`${CORE}writes.js`, 'write.index = Math.min(write.index, from - 1);', '{}']),
  mutant('window-kept-after-failure', [`${CORE}progress.js`, 'progress.inflights.clear();', '']),
  mutant('full-window-says-nothing', [
    `${CORE}replicate.js`,
    "if (progress.mode === 'snapshot' || progress.isPaused)",
    "if (progress.mode === 'snapshot' || progress.isPaused || (progress.mode === 'replicate' && progress.inflights.isFull()))",
  ]),
  mutant('hint-off-by-one', [`${CORE}progress.js`, 'Math.min(rejected, hint + 1)', 'Math.min(rejected, hint + 2)']),
  mutant('notice-of-commits-never-due', [
    `${CORE}replicate.js`,
    'state.noticeDueMs = isWaiting ? noticeDue(state) : Number.POSITIVE_INFINITY;',
    'state.noticeDueMs = Number.POSITIVE_INFINITY;',
  ]),
  mutant('notice-of-commits-waits-for-a-heartbeat', [
    `${CORE}tick.js`,
    'Math.min(state.heartbeatDueMs, state.noticeDueMs)',
    'state.heartbeatDueMs',
  ]),
  mutant('compacted-and-no-snapshot', [`${CORE}replicate.js`, 'out.snapshotsFor.push(progress.id);', '']),
  mutant('snapshot-renamed-before-sync', [`${SIM}snapshot-files.js`, 'disk.sync(name);', '']),
  mutant('log-scan-ignores-checksum', [
    `${SIM}wal-codec.js`,
    'return crc32(bytes.subarray(at + HEADER_BYTES, end)) === view.getUint32(at + 4) ? end : -1;',
    'return end;',
  ]),
  mutant('damage-cut-off-like-a-torn-tail', [`${SIM}wal-codec.js`, 'if (hasFrameAfter(bytes, at))', 'if (false)']),
  mutant('failed-sync-tried-again', [
    `${SIM}wal.js`,
    'this.#listener.failed(error);\n            return;',
    'return this.#sync(batch, writes);',
  ]),
  mutant('journal-writes-not-synced', [`${JOURNAL}log-record.js`, 'isSynced ? STORE_SYNC : 0', '0']),
  mutant('journal-trimmed-to-the-snapshot', [
    `${JOURNAL}group-log.js`,
    'return Math.min(this.#stateOffset, this.#offsets[this.#dropped] ?? this.#stateOffset);',
    'return this.#stateOffset;',
  ]),
  mutant('journal-restated-without-entries', [`${JOURNAL}group-log.js`, 'entries: [...entries],', 'entries: [],']),
  mutant('journal-goes-on-behind-what-was-undone', [
    'src/actors/store/replicated-logs.js',
    'if (!isCommitted && this.#firstStaged > 0)',
    'if (false)',
  ]),
  mutant('segment-recycled-under-its-old-name', [
    'src/storage/spares.js',
    'if (spare !== undefined)\n            disk.syncDir(directory);',
    '',
  ]),
  mutant('snapshot-without-sessions', [
    'src/actors/raft/sessions/session-machine.js',
    'const sessions = this.#sessions.pieces();',
    'const sessions = new this.#sessions.constructor(1, 1).pieces();',
  ]),
  mutant('sessions-expire-by-local-clock', [
    'src/actors/raft/sessions/session-machine.js',
    'this.#sessions.expire(this.#timeMs);',
    'this.#sessions.expire(this.#timeMs + ((globalThis.localClock = (globalThis.localClock ?? 0) + 37) % 3000));',
  ]),
  mutant('shared-log-swaps-writes', [
    `${SIM}wal.js`,
    'queue.flatMap((batch) => batch.writes);',
    'queue.reverse().flatMap((batch) => batch.writes);',
  ]),
  mutant('coalescer-drops-a-group', [
    `${NODE}peer-outboxes.js`,
    'peer[LANES[message.type]].push(message);',
    "if (message.type !== 'heartbeat' || peer.urgent.at(-1)?.type !== 'heartbeat') peer[LANES[message.type]].push(message);",
  ]),
  mutant('dirty-queue-misses-a-wake-up', [
    `${NODE}raft-node.js`,
    'this.#dirty.push(group);',
    'if (this.#dirty.length === 0) this.#dirty.push(group);',
  ]),
  mutant('single-voter-counts-before-durable', [
    'src/actors/raft/machine.js',
    '        tryTransfer(state, out);',
    'if (state.progress.length === 1) { state.progress[0].match = state.log.lastIndex; advanceCommit(state); }',
  ]),
  mutant('what-may-be-applied-is-no-work', [`${CORE}work.js`, 'isWanted(out) || canApply(state)', 'isWanted(out)']),
  mutant('what-may-be-learned-is-no-work', [`${CORE}replicate.js`, 'isNoticeOpen && canLearn(state, each)', 'false']),
  mutant('what-is-held-is-no-work', [`${CORE}work.js`, 'return held.length > 0 || ', 'return ']),
  mutant('time-of-a-group-is-not-noted', [`${NODE}raft-node.js`, 'if (deadlineMs < this.#dueMs)', 'if (false)']),
];
