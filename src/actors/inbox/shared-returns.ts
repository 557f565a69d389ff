/**
 * Messages of shared subscriptions that lie in the inbox of one member and are to go to another: because its client has left and others are there, because it is no member any more,
 * or because its session is over. One per reactor.
 *
 *   inbox  ──read a piece──▶ which of its messages may go ──▶ the group chooses a member, as for a new message ──▶ its inbox, or its connection
 *            ▲                                                 marks: moved                                            │
 *            └──────────── next piece, when all of that is committed, as one unit ◀────────────────────────────────────┘
 *
 * So a message is in the one inbox or in the other, whatever happens in between. Bounded by a piece at a time for each inbox.
 */
import { INBOX_READ_BYTES } from '../../base/limits.ts';
import { CONTROL } from '../../storage/control.ts';
import { packetEnd } from '../../wire/mqtt/publish-run.ts';
import type { Outgoing } from '../session/outgoing.ts';
import type { Returned, ShareTable } from '../share/table.ts';
import type { ShardBytes, StoreErrorCode } from '../store/messages.ts';
import type { Inbox } from './inbox.ts';
import { forEachInboxFrame } from './inbox-frames.ts';
import type { Inboxes } from './inboxes.ts';
import { MARK } from './marks.ts';

export interface ReturnTerms {
  /** Whether messages of the shared subscription with that key are to go; asked for each piece. */
  wants(share: string): boolean;
  /** Only what has not been sent to the client on its present connection. */
  readonly onlyWaiting: boolean;
  /** False: no more of them, the client is back. */
  goesOn(): boolean;
  /** There is nothing more to give back, or, if not `isWhole`, what is left can be neither read nor written elsewhere. */
  done(isWhole: boolean): void;
}

export class SharedReturns {
  readonly #inboxes: Inboxes;
  readonly #shares: ShareTable;

  constructor(inboxes: Inboxes, shares: ShareTable) {
    this.#inboxes = inboxes;
    this.#shares = shares;
  }

  begin(inbox: Inbox, terms: ReturnTerms): void {
    this.#step(inbox, terms, terms.onlyWaiting ? inbox.machine.cursor : inbox.machine.ackedTo, true);
  }

  #step(inbox: Inbox, terms: ReturnTerms, offset: number, isWhole: boolean): void {
    if (!terms.goesOn()) return terms.done(isWhole);
    const { shard, end, staged } = inbox.machine;
    if (offset >= end) {
      // What is on its way to the log was for this member as well.
      if (staged > 0) return inbox.whenWritten(() => this.#step(inbox, terms, offset, isWhole));
      return terms.done(isWhole);
    }
    this.#inboxes.read(shard, offset, INBOX_READ_BYTES, (answer) => {
      if ('code' in answer) return terms.done(false);
      if (!terms.goesOn()) return terms.done(isWhole);
      const piece = this.#take(inbox, terms, answer);
      // A hole that the disk has left.
      if (piece.next <= offset) return terms.done(isWhole);
      const goOn = (isGiven: boolean): void => this.#step(inbox, terms, piece.next, isWhole && isGiven);
      if (piece.offsets.length === 0) return goOn(true);
      this.#give(inbox, piece, goOn);
    });
  }

  #take(inbox: Inbox, terms: ReturnTerms, { bytes }: ShardBytes): Piece {
    const piece: Piece = { returned: [], offsets: [], next: 0 };
    forEachInboxFrame(bytes, inbox.machine.shard, (runs, baseOffset) => {
      let offset = baseOffset;
      for (const run of runs) {
        if (run.share !== null && terms.wants(run.share)) this.#takeRun(inbox, terms, run, offset, piece);
        offset += run.count;
      }
      piece.next = offset;
    });
    return piece;
  }

  /** The messages of a run that may go, in as few pieces as they make. */
  #takeRun({ machine }: Inbox, { onlyWaiting }: ReturnTerms, run: Outgoing, first: number, { returned, offsets }: Piece): void {
    const { share, dialect, buffer, expiresAt } = run;
    const from = onlyWaiting ? machine.cursor : machine.ackedTo;
    let count = 0;
    let start = run.start;
    let at = run.start;
    const close = (): void => {
      if (count > 0) returned.push({ share, dialect, buffer, start, end: at, count, expiresAt });
      count = 0;
    };
    for (let i = 0; i < run.count; i++) {
      const offset = first + i;
      const end = packetEnd(buffer, at);
      if (offset >= from && machine.mayLeave(offset, run.qos)) {
        if (count++ === 0) start = at;
        offsets.push(offset);
      } else close();
      at = end;
    }
    close();
  }

  #give(inbox: Inbox, { returned, offsets }: Piece, then: (isGiven: boolean) => void): void {
    const { shard } = inbox.machine;
    for (const offset of offsets) {
      inbox.machine.leave(offset);
      this.#inboxes.control(shard, CONTROL.mark, MARK.moved, offset);
    }
    this.#shares.redeliver(returned);
    this.#inboxes.unitWrite().await({
      written: (code) => {
        this.#given(inbox, offsets, code);
        then(code === undefined);
      },
    });
  }

  #given(inbox: Inbox, offsets: readonly number[], code: StoreErrorCode | undefined): void {
    if (code === undefined) return inbox.moved(offsets);
    // A full disk has undone the marks as well; a reactor that died with its part has not.
    for (const offset of offsets) {
      inbox.machine.stay(offset);
      this.#inboxes.later(inbox.machine.shard, CONTROL.unmark, MARK.moved, offset);
    }
  }
}

interface Piece {
  readonly returned: Returned[];
  readonly offsets: number[];
  /** Where the next piece begins. */
  next: number;
}
