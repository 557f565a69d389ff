/**
 * A few replicas of one group on a table, without node, disk or network: a spec feeds them inputs and carries their messages by hand. What a replica writes is durable at once unless the spec holds it
 * back; what it is to apply is applied at once.
 */
import { type BootOptions, boot } from '../../../src/actors/raft/core/boot.ts';
import type { Input } from '../../../src/actors/raft/core/input.ts';
import { Outbox, type Proposed, type ReadAnswer } from '../../../src/actors/raft/core/outbox.ts';
import type { RaftState } from '../../../src/actors/raft/core/state.ts';
import { type Entry, MEMBERSHIP } from '../../../src/actors/raft/entry.ts';
import { founding } from '../../../src/actors/raft/founding.ts';
import { settle, step } from '../../../src/actors/raft/machine.ts';
import { NO_MEMBERSHIP } from '../../../src/actors/raft/membership.ts';
import { MemoryLog } from '../../../src/actors/raft/memory-log.ts';
import type { RaftMessage } from '../../../src/actors/raft/message.ts';
import { DEFAULT_SETTINGS, type RaftSettings } from '../../../src/actors/raft/settings.ts';
import type { GroupWrite } from '../../../src/actors/raft/storage.ts';

type InputWithoutNow = Input extends infer I ? (I extends Input ? Omit<I, 'now'> : never) : never;

export class Replica {
  readonly state: RaftState;
  readonly writes: GroupWrite[] = [];
  readonly applied: Entry[] = [];
  readonly proposed: Proposed[] = [];
  readonly reads: ReadAnswer[] = [];
  readonly snapshotsFor: number[] = [];
  /** Writes stay on their way. */
  isDiskHeld = false;
  now = 0;
  readonly #out = new Outbox();
  readonly #held: { readonly after: number; readonly message: RaftMessage }[] = [];
  readonly #sent: RaftMessage[] = [];

  constructor(options: Partial<BootOptions> & { readonly self: number }) {
    this.state = boot({
      group: 1,
      settings: DEFAULT_SETTINGS,
      seed: options.self,
      now: 0,
      log: new MemoryLog(),
      hard: { term: 0, vote: 0, commit: 0 },
      snapshot: { index: 0, term: 0, membership: NO_MEMBERSHIP },
      applied: 0,
      isNew: false,
      ...options,
    });
    this.settle();
  }

  get id(): number {
    return this.state.self;
  }

  input(input: InputWithoutNow): void {
    step(this.state, { ...input, now: this.now } as Input, this.#out);
    this.settle();
  }

  /** Several inputs of one turn. */
  turn(...inputs: readonly InputWithoutNow[]): void {
    for (const input of inputs) step(this.state, { ...input, now: this.now } as Input, this.#out);
    this.settle();
  }

  settle(): void {
    for (;;) {
      const out = this.#out;
      settle(this.state, out);
      this.#sent.push(...out.messages);
      this.#held.push(...out.held.map((message) => ({ after: out.after, message })));
      this.proposed.push(...out.proposed);
      this.reads.push(...out.reads);
      this.snapshotsFor.push(...out.snapshotsFor);
      const { write, apply, install } = out;
      out.clear();
      if (write !== undefined) this.writes.push(write);
      const { now } = this;
      this.applied.push(...apply);
      if (write !== undefined && !this.isDiskHeld) step(this.state, { type: 'durable', seq: write.seq, now }, out);
      if (apply.length > 0) step(this.state, { type: 'applied', index: apply.at(-1)!.index, now }, out);
      if (install !== undefined) step(this.state, { type: 'snapshotInstalled', index: install.index, now }, out);
      if (write === undefined && apply.length === 0 && install === undefined) return;
    }
  }

  /** Everything that was written is durable now. */
  releaseDisk(): void {
    this.isDiskHeld = false;
    this.input({ type: 'durable', seq: this.state.writeSeq });
  }

  /** Messages that may leave, in order. */
  take(): RaftMessage[] {
    const free = this.#held.filter(({ after }) => after <= this.state.durableSeq).map(({ message }) => message);
    const kept = this.#held.filter(({ after }) => after > this.state.durableSeq);
    this.#held.splice(0, this.#held.length, ...kept);
    return [...this.#sent.splice(0), ...free];
  }
}

export class Table {
  readonly replicas: Replica[];
  /** Nothing reaches these, nothing leaves them. */
  readonly cut: Set<number> = new Set();
  now = 0;

  constructor(count: number, settings: Partial<RaftSettings> = {}, learners = 0) {
    const ids = Array.from({ length: count }, (_, i) => i + 1);
    this.replicas = [...ids, ...Array.from({ length: learners }, (_, i) => count + i + 1)].map((self) => {
      const { hard, entries } = founding(ids);
      const isFounder = self <= count;
      return new Replica({
        self,
        settings: { ...DEFAULT_SETTINGS, ...settings },
        log: new MemoryLog(0, 0, isFounder ? entries : []),
        hard: isFounder ? hard : { term: 0, vote: 0, commit: 0 },
        isNew: true,
      });
    });
  }

  at(id: number): Replica {
    return this.replicas[id - 1]!;
  }

  get leader(): Replica | undefined {
    return this.replicas.filter(({ state }) => state.role === 'leader').sort((a, b) => b.state.term - a.state.term)[0];
  }

  /** Carries messages until nobody has any to say. */
  deliver(isLost: (message: RaftMessage) => boolean = () => false): void {
    for (;;) {
      const messages = this.replicas.flatMap((replica) => replica.take());
      if (messages.length === 0) return;
      for (const message of messages) {
        if (this.cut.has(message.from) || this.cut.has(message.to) || isLost(message)) continue;
        this.at(message.to).input({ type: 'message', message });
      }
    }
  }

  /** Time goes by in steps of 10 ms. */
  run(ms: number, isLost: (message: RaftMessage) => boolean = () => false): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 10;
      for (const replica of this.replicas) {
        replica.now = this.now;
        replica.input({ type: 'tick' });
      }
      this.deliver(isLost);
    }
  }

  /** The given one is made leader: the others wait for it. */
  elect(id: number): Replica {
    const replica = this.at(id);
    for (let tries = 0; replica.state.role !== 'leader'; tries++) {
      if (tries > 200) throw new Error(`${id} is not elected`);
      this.now += 10;
      for (const other of this.replicas) {
        other.now = this.now;
        if (other !== replica) other.state.electionDueMs = this.now + 1000;
      }
      replica.input({ type: 'tick' });
      this.deliver();
    }
    return replica;
  }

  propose(text: string): Proposed {
    const leader = this.leader!;
    leader.input({ type: 'propose', entries: [bytes(text)] });
    return leader.proposed.at(-1)!;
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What the state machine has seen of data. */
export function texts(replica: Replica): string[] {
  return replica.applied.filter(({ kind }) => kind === 0).map(({ data }) => new TextDecoder().decode(data));
}

export function changes(replica: Replica): number {
  return replica.applied.filter(({ kind }) => kind === MEMBERSHIP).length;
}
