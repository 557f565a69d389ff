/**
 * The end of an inbox in which messages of shared subscriptions may lie: its session is over, and they are to go to other members before it is dropped. One per reactor.
 *
 *   session ends ──mark `ended`──▶ durable ──▶ its record goes, its client id is free ──▶ SharedReturns gives piece after piece away ──▶ the inbox is dropped
 *
 * The mark is in the inbox itself and goes with it. A node that dies before the mark is durable has the session still; one that dies later finds the mark and goes on here, and what
 * has been given away says so by marks of its own. What cannot be given, because the disk is full or damaged, stays until the next start.
 */
import { CONTROL } from '../../storage/control.ts';
import type { ShareTable } from '../share/table.ts';
import type { ShardFacts, StoreErrorCode } from '../store/messages.ts';
import { Inbox } from './inbox.ts';
import { type Inboxes, inboxStateOf } from './inboxes.ts';
import { MARK } from './marks.ts';
import type { SharedReturns } from './shared-returns.ts';

export class Emptying {
  readonly #thread: number;
  readonly #inboxes: Inboxes;
  readonly #shares: ShareTable;
  readonly #returns: SharedReturns;
  /** Those that wait for `release`; null: none need to. */
  #held: Inbox[] | null = null;

  constructor(thread: number, inboxes: Inboxes, shares: ShareTable, returns: SharedReturns) {
    this.#thread = thread;
    this.#inboxes = inboxes;
    this.#shares = shares;
    this.#returns = returns;
  }

  /** Whether an inbox whose session is over has to be emptied. */
  needs({ mayHoldShared, machine }: Inbox): boolean {
    return mayHoldShared && machine.messages > 0;
  }

  /** Calls `then`, outside of any actor's turn, when the log knows that the session is over, or that it cannot. */
  mark({ machine }: Inbox, then: (code: StoreErrorCode | undefined) => void): void {
    this.#inboxes.control(machine.shard, CONTROL.mark, MARK.ended, this.#thread).await({ written: then });
  }

  /** Empties an inbox with that mark, and drops it. */
  begin(inbox: Inbox): void {
    if (this.#held !== null) this.#held.push(inbox);
    else this.#empty(inbox);
  }

  /** The same for one that was being emptied when its reactor died. */
  resume(shard: number, facts: ShardFacts): void {
    this.begin(new Inbox(this.#inboxes, inboxStateOf(shard, facts)));
  }

  /** The members of the groups are not all there: nothing is given away until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const inbox of held) this.#empty(inbox);
  }

  #empty(inbox: Inbox): void {
    this.#returns.begin(inbox, {
      wants: (share) => this.#shares.hasGroup(share),
      onlyWaiting: false,
      goesOn: () => true,
      done: (isWhole) => {
        if (isWhole) this.#inboxes.drop(inbox.machine.shard);
      },
    });
  }
}

/** The session with that inbox is over. */
export function hasEnded({ marks }: ShardFacts): boolean {
  return marks.some(({ kind }) => kind === MARK.ended);
}
