/**
 * The clock of leases with leaders that come and go. The log is a plain list here: what a leader proposes lands in it in the term in which it leads then, or not at all; when another is elected what has
 * landed is applied or void before that one confirms anything, as in Raft.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeCommand } from '../../../src/actors/meta/codec/command-codec.ts';
import { decodeReply } from '../../../src/actors/meta/codec/reply-codec.ts';
import { MetaMachine } from '../../../src/actors/meta/machine.ts';
import { LeaseClock } from '../../../src/actors/meta/service/lease-clock.ts';
import type { Lease } from '../../../src/actors/meta/state/leases.ts';
import { META_LEASE_STEP_MS, META_OPS_MAX } from '../../../src/base/limits.ts';

const test = suite('lease clock');

const TTL_MS = 1000;

interface Proposal {
  readonly by: number;
  readonly term: number;
  readonly leases: readonly Lease[];
  /** Of its entry. */
  landed: number;
}

/** Two replicas of which one leads; both have the same state as soon as they confirm anything. */
class Cluster {
  readonly machine = new MetaMachine();
  readonly clocks: readonly LeaseClock[];
  nowMs = 0;
  term = 1;
  leader = 0;
  /** Made and not in the log yet; in the log and not applied yet. */
  made: Proposal[] = [];
  landed: Proposal[] = [];
  readonly promisedMs = new Map<number, number>();
  ended = 0;
  renewed = 0;

  constructor() {
    this.clocks = [new LeaseClock(this.machine), new LeaseClock(this.machine)];
    this.machine.observe({ stepped: () => {}, leased: (id) => this.#leased(id) });
  }

  #leased(id: number): void {
    for (const clock of this.clocks) clock.noted(id, this.nowMs);
    if (this.machine.leases.get(id) !== undefined) {
      this.promisedMs.set(id, this.nowMs + TTL_MS);
      return;
    }
    const promised = this.promisedMs.get(id);
    if (promised === undefined) return;
    assert.ok(this.nowMs >= promised, `lease ${id} ends at ${this.nowMs}, and was promised until ${promised}`);
    this.promisedMs.delete(id);
    this.ended++;
  }

  grant(id: number): void {
    this.machine.do({ type: 'grant', id, ttlMs: TTL_MS });
  }

  revoke(id: number): void {
    // Its holder wants that.
    this.promisedMs.delete(id);
    this.machine.do({ type: 'revoke', ids: [id] });
  }

  /** What a replica does at every tick. */
  look(replica: number): void {
    const clock = this.clocks[replica]!;
    clock.leads(replica === this.leader ? this.term : 0, this.nowMs);
    const leases = clock.due(this.nowMs);
    if (leases.length > 0) this.made.push({ by: replica, term: clock.term, leases, landed: 0 });
  }

  land(): void {
    const proposal = this.made.shift();
    if (proposal === undefined) return;
    if (proposal.by !== this.leader) return this.clocks[proposal.by]!.spared(proposal.leases, proposal.term);
    proposal.landed = this.term;
    this.landed.push(proposal);
  }

  apply(): void {
    const proposal = this.landed.shift();
    if (proposal === undefined) return;
    this.machine.term = proposal.landed;
    this.machine.do({ type: 'expire', term: proposal.term, leases: proposal.leases });
  }

  /** `kept`: how much of what is in the log the next leader has. */
  elect(replica: number, kept: number): void {
    while (this.landed.length > 0 && kept-- > 0) this.apply();
    this.landed = [];
    this.leader = replica;
    this.term++;
  }

  renew(id: number): void {
    const isThere = this.machine.leases.get(id) !== undefined;
    const ttlMs = this.clocks[this.leader]!.renew([id], this.term, this.nowMs);
    if (ttlMs === undefined) {
      const isEnding = [...this.made, ...this.landed].some(
        ({ term, leases }) => term === this.term && leases.some((each) => each.id === id),
      );
      assert.ok(isEnding, `lease ${id} is not renewed, and nobody wants to end it`);
      return;
    }
    assert.equal(ttlMs, [isThere ? TTL_MS : 0]);
    if (!isThere) return;
    this.renewed++;
    this.promisedMs.set(id, this.nowMs + TTL_MS);
  }
}

const replica = fc.nat(1);
const lease = fc.integer({ min: 1, max: 3 });
const act: fc.Arbitrary<(cluster: Cluster) => void> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 400 }).map((ms) => (it: Cluster) => void (it.nowMs += ms)) },
  { weight: 6, arbitrary: replica.map((which) => (it: Cluster) => it.look(which)) },
  { weight: 4, arbitrary: lease.map((id) => (it: Cluster) => it.renew(id)) },
  { weight: 2, arbitrary: lease.map((id) => (it: Cluster) => it.grant(id)) },
  { weight: 3, arbitrary: fc.constant((it: Cluster) => it.land()) },
  { weight: 3, arbitrary: fc.constant((it: Cluster) => it.apply()) },
  { weight: 1, arbitrary: lease.map((id) => (it: Cluster) => it.revoke(id)) },
  {
    weight: 1,
    arbitrary: fc.tuple(replica, fc.nat(3)).map(
      ([which, kept]) =>
        (it: Cluster) =>
          it.elect(which, kept),
    ),
  },
);

test('no lease ends while its holder was told that it goes on, whoever leads, and whatever becomes of what leaders wanted', () => {
  let ended = 0;
  let renewed = 0;
  fc.assert(
    fc.property(fc.array(act, { minLength: 40, maxLength: 120 }), (acts) => {
      const cluster = new Cluster();
      cluster.grant(1);
      for (const each of acts) each(cluster);
      // In the end all of them end: nobody renews them any more.
      for (let i = 0; i < 40; i++) {
        cluster.nowMs += 100;
        for (const which of [0, 1]) cluster.look(which);
        while (cluster.made.length > 0) cluster.land();
        while (cluster.landed.length > 0) cluster.apply();
      }
      assert.is(cluster.machine.leases.size, 0);
      ended += cluster.ended;
      renewed += cluster.renewed;
    }),
    { numRuns: 2000 },
  );
  assert.ok(ended > 2000 && renewed > 2000, `${ended} have ended, ${renewed} renewals`);
});

function leading(): { readonly machine: MetaMachine; readonly clock: LeaseClock } {
  const machine = new MetaMachine();
  const clock = new LeaseClock(machine);
  machine.observe({ stepped: () => {}, leased: (id) => clock.noted(id, 0) });
  clock.leads(1, 0);
  machine.do({ type: 'grant', id: 7, ttlMs: TTL_MS });
  return { machine, clock };
}

test('what is about to end is not renewed until it is known whether it has', () => {
  const { machine, clock } = leading();
  for (let ms = 100; ms < TTL_MS; ms += 100) assert.equal(clock.due(ms), []);
  const due = clock.due(TTL_MS);
  assert.equal(due, [{ ...machine.leases.get(7)! }]);
  assert.is(clock.renew([7], 1, TTL_MS), undefined);
  assert.is(clock.renew([3, 7], 1, TTL_MS), undefined, 'nor with others');
  assert.equal(clock.renew([3], 1, TTL_MS), [0]);
  clock.spared(due, 2);
  assert.is(clock.renew([7], 1, TTL_MS), undefined, 'that was another term');
  clock.spared(due, 1);
  assert.equal(clock.renew([7], 1, TTL_MS), [TTL_MS]);
  machine.term = 1;
  machine.do({ type: 'expire', term: 1, leases: due });
  assert.equal(clock.renew([7], 1, TTL_MS), [0]);
});

test('a confirmation of an earlier term renews nothing; one of a later begins the clock anew', () => {
  const { clock } = leading();
  clock.leads(3, 500);
  assert.is(clock.renew([7], 2, 500), undefined);
  assert.equal(clock.renew([], 4, 900), []);
  assert.is(clock.term, 4);
  for (let ms = 1000; ms < 900 + TTL_MS; ms += 100) assert.equal(clock.due(ms), []);
  assert.is(clock.due(900 + TTL_MS).length, 1);
});

test('more leases than a command may have end one command after the other', () => {
  const { machine, clock } = leading();
  for (let i = 0; i < META_OPS_MAX + 10; i++) machine.do({ type: 'grant', id: 0, ttlMs: TTL_MS });
  const all = machine.leases.size;
  for (let ms = 100; ms < TTL_MS; ms += 100) assert.equal(clock.due(ms), []);
  machine.term = 1;
  for (const ms of [TTL_MS, TTL_MS + 100]) {
    const reply = decodeReply(machine.apply(encodeCommand({ type: 'expire', term: 1, leases: clock.due(ms) })));
    assert.is(reply.type, 'ended');
    assert.is(machine.leases.size, ms === TTL_MS ? all - META_OPS_MAX : 0);
  }
});

test('what a leader stood still does not count against leases', () => {
  const { clock } = leading();
  const stoodMs = 60_000;
  assert.equal(clock.due(stoodMs), []);
  let ms = stoodMs;
  while (clock.due(ms).length === 0) ms += 100;
  assert.is(ms, stoodMs + TTL_MS - META_LEASE_STEP_MS);
  // Whoever was heard behind that gets no more than others.
  clock.spared([{ id: 7, ttlMs: TTL_MS, grant: 1 }], 1);
  const heardMs = ms + stoodMs;
  assert.equal(clock.renew([7], 1, heardMs), [TTL_MS]);
  for (ms = heardMs; clock.due(ms).length === 0; ) ms += 100;
  assert.is(ms, heardMs + TTL_MS);
});

test.run();
