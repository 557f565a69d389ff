/**
 * Sessions whose home is dead and that nobody has gone on with: their wills are published, and they end when their time is over. One node does that, the one with the controller, for nodes whose lease has run out. Each step is a claim
 * of the entry under the condition of its revision, so whoever comes at the same moment, a client or the former home, finds it done, or has been first. What is published is published after the claim: once, unless this node dies in
 * between, and then not at all.
 *
 * Lives in the homes actor. When a node is lost all entries are looked at, a page at a time; what is due first is remembered, at most UNDERTAKER_DUE_MAX; if there was more, all are looked at again when these are done.
 */
import { UNDERTAKER_BATCH, UNDERTAKER_DUE_MAX, UNDERTAKER_RETRY_MS } from '../../base/limits.ts';
import type { Will } from '../../wire/mqtt/packets.ts';
import { encodeSession, type SessionRecord } from '../session/record.ts';
import type { Found, Place, Register } from './directory.ts';
import { decodeEntry, encodeEntry, entryIn, type HomeEntry, recordOf } from './entry.ts';
import { fateOf } from './fate.ts';
import { clientOf } from './will-book.ts';

/** Nodes that are dead, each with when it was found to be. */
export type LostNodes = ReadonlyMap<number, number>;

export interface UndertakerPorts {
  readonly registers: readonly Register[];
  /** Undefined: somebody else does it, or nobody knows. */
  readonly lostNodes: (then: (lost: LostNodes | undefined) => void) => void;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  readonly publish: (clientId: string, will: Will) => void;
  readonly count: (what: 'mourned' | 'buried') => void;
}

interface Due {
  readonly register: Register;
  /** As the register has it. */
  readonly clientId: string;
  readonly home: number;
  readonly atMs: number;
}

export class Undertaker {
  readonly #ports: UndertakerPorts;
  #lost: LostNodes = new Map();
  /** Soonest first, unless `#isUnsorted`. */
  #due: Due[] = [];
  #isUnsorted = false;
  /** There was more than could be remembered. */
  #isPartial = false;
  #isLookDue = false;
  #isBusy = false;

  constructor(ports: UndertakerPorts) {
    this.#ports = ports;
  }

  inspect(): unknown {
    return { lost: [...this.#lost.keys()], due: this.#due.length };
  }

  /** Goes on; to be called again and again. */
  tick(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#ports.lostNodes((lost = new Map()) => {
      const isNews = [...lost].some(([node, sinceMs]) => this.#lost.get(node) !== sinceMs);
      this.#lost = lost;
      if (isNews) this.#isLookDue = true;
      this.#due = this.#due.filter(({ home }) => lost.has(home));
      if (lost.size === 0) this.#isLookDue = this.#isPartial = this.#isBusy = false;
      else if (this.#isLookDue || (this.#isPartial && this.#due.length === 0)) this.#look();
      else this.#serve();
    });
  }

  // ---- what is to be done, and when ----

  #look(): void {
    this.#isLookDue = false;
    this.#isPartial = false;
    this.#due = [];
    const registers = [...this.#ports.registers];
    const next = (): void => {
      const register = registers.shift();
      if (register === undefined) this.#serve();
      else this.#lookIn(register, undefined, next);
    };
    next();
  }

  #lookIn(register: Register, after: Place | undefined, then: () => void): void {
    register.scan(after, (page) => {
      if (page === undefined) {
        this.#isLookDue = true;
        this.#isBusy = false;
        return;
      }
      const nowMs = this.#ports.wallClock();
      for (const { clientId, value } of page.entries) {
        const entry = decodeEntry(value);
        if (entry !== undefined) this.#note(register, clientId, entry, nowMs);
      }
      this.#trim();
      if (page.next === undefined) then();
      else this.#lookIn(register, page.next, then);
    });
  }

  #note(register: Register, clientId: string, entry: HomeEntry, nowMs: number): void {
    const { home } = entry;
    const sinceMs = this.#lost.get(home);
    const record = sinceMs === undefined ? undefined : recordOf(entry);
    if (record === undefined) return;
    const fate = fateOf(record, entry.isMourned === true, sinceMs!, nowMs);
    const atMs = fate.what === 'wait' ? fate.untilMs : nowMs;
    if (atMs < Number.POSITIVE_INFINITY) this.#remember({ register, clientId, home, atMs });
  }

  #remember(due: Due): void {
    this.#due.push(due);
    this.#isUnsorted = true;
  }

  #trim(): void {
    if (this.#due.length <= UNDERTAKER_DUE_MAX) return;
    this.#sort();
    this.#due.length = UNDERTAKER_DUE_MAX;
    this.#isPartial = true;
  }

  #sort(): void {
    if (this.#isUnsorted) this.#due.sort((a, b) => a.atMs - b.atMs);
    this.#isUnsorted = false;
  }

  // ---- doing it ----

  #serve(): void {
    this.#sort();
    const nowMs = this.#ports.wallClock();
    let count = 0;
    while (count < Math.min(UNDERTAKER_BATCH, this.#due.length) && this.#due[count]!.atMs <= nowMs) count++;
    const batch = this.#due.splice(0, count);
    let left = batch.length;
    if (left === 0) this.#isBusy = false;
    for (const due of batch) {
      due.register.get(due.clientId, (found) =>
        this.#judge(due, found, (again) => {
          if (again !== undefined) this.#remember({ ...due, atMs: again });
          if (--left === 0) this.#isBusy = false;
        }),
      );
    }
  }

  /** As the entry is now. `then` hears when it is to be looked at again; undefined: no more. */
  #judge(due: Due, found: Found | undefined, then: (againMs?: number) => void): void {
    const nowMs = this.#ports.wallClock();
    const retryMs = nowMs + UNDERTAKER_RETRY_MS;
    if (found === undefined) return then(retryMs);
    const entry = entryIn(found);
    const sinceMs = entry === undefined ? undefined : this.#lost.get(entry.home);
    const record = entry === undefined ? undefined : recordOf(entry);
    if (entry === undefined || sinceMs === undefined || record === undefined) return then();
    const { isMourned = false } = entry;
    const fate = fateOf(record, isMourned, sinceMs, nowMs);
    if (fate.what === 'wait') return then(fate.untilMs < Number.POSITIVE_INFINITY ? fate.untilMs : undefined);
    const value = fate.what === 'over' ? undefined : mourned(entry, record, sinceMs);
    due.register.claim(due.clientId, found.revision, value, ({ type }) => {
      // Unknown: the next look tells, and says nothing of the will; nobody hears it twice.
      if (type !== 'done') return then(retryMs);
      if (record.will !== null && !isMourned) {
        this.#ports.publish(clientOf(due.clientId), record.will);
        this.#ports.count('mourned');
      }
      if (fate.what === 'over') this.#ports.count('buried');
      then(fate.what === 'over' ? undefined : nowMs);
    });
  }
}

/** The session goes on without its will, alone since its home died. */
function mourned(entry: HomeEntry, record: SessionRecord, sinceMs: number): Uint8Array {
  const left = { ...record, will: null, offlineSince: record.offlineSince || sinceMs };
  return encodeEntry({ ...entry, record: encodeSession(left), isMourned: true });
}
