/**
 * One session on its way to this node. Pure: what has happened in, what is to be done out.
 *
 *   move    asking ─▶ copying ─▶ fencing ─▶ closing ─▶ copying the rest ─▶ keeping ─▶ claiming ─▶ done
 *   adopt                                                                  keeping ─▶ claiming ─▶ fencing ─▶ done
 *
 * A move takes the session from a former home that answers: until the claim that one has everything, so whatever fails before is given up and nothing has happened. An adoption is for a former home that does not answer: the
 * claim comes first, and is what keeps two nodes from it; what the former home still has comes when it is back.
 */
export type MoveEvent =
  /** The former home gives it up; `unreached`: nodes that it reaches and we do not. */
  | { readonly type: 'departing'; readonly end: number; readonly unreached: boolean }
  /** Another node is at it. */
  | { readonly type: 'busy' }
  /** It has no such session, or does not answer. */
  | { readonly type: 'gone' }
  | { readonly type: 'page'; readonly next: number; readonly isLast: boolean }
  /** All nodes that are there have put their fences. */
  | { readonly type: 'fenced' }
  | { readonly type: 'closed'; readonly end: number }
  | { readonly type: 'kept' }
  | { readonly type: 'claimed' }
  /** It was, as is known only now, and the session has gone on to another node since, without what has come here. */
  | { readonly type: 'followed' }
  /** Somebody else has the session, or nobody can say. */
  | { readonly type: 'lost' }
  /** A step takes too long, or cannot be done. */
  | { readonly type: 'failed' };

export type MoveEffect =
  | { readonly type: 'askFormer' }
  | { readonly type: 'askPage'; readonly offset: number }
  /** Asks for fences, and again until all have come. */
  | { readonly type: 'fence' }
  | { readonly type: 'close' }
  /** What has come, and the record, are to be on disk. */
  | { readonly type: 'keep' }
  | { readonly type: 'claim' }
  /** The session begins here. */
  | { readonly type: 'begin' }
  /** The former home drops it. */
  | { readonly type: 'tellMoved' }
  /** The former home goes on with it. */
  | { readonly type: 'tellStay' }
  /** What has been made here goes. */
  | { readonly type: 'discard' }
  | { readonly type: 'answer'; readonly result: 'here' | 'again' | 'unavailable' | 'adopt' };

export type MoveState = 'asking' | 'copying' | 'fencing' | 'closing' | 'rest' | 'keeping' | 'claiming' | 'parting' | 'done';

/** Pages before the fence: whoever publishes faster than they come is not waited for. */
const ROUNDS_MAX = 10_000;

export class MoveMachine {
  state: MoveState;
  /** The next message that is wanted. */
  offset = 0;
  #end = 0;
  #pages = 0;
  readonly #isAdoption: boolean;

  constructor(isAdoption: boolean) {
    this.#isAdoption = isAdoption;
    this.state = isAdoption ? 'keeping' : 'asking';
  }

  begin(): MoveEffect[] {
    return this.#isAdoption ? [{ type: 'keep' }] : [{ type: 'askFormer' }];
  }

  receive(event: MoveEvent): MoveEffect[] {
    if (this.state === 'done') return [];
    switch (event.type) {
      case 'departing':
        if (this.state !== 'asking') return [];
        if (event.unreached) return this.#giveUp('again');
        this.#end = event.end;
        this.state = 'copying';
        return [{ type: 'askPage', offset: this.offset }];
      case 'busy':
        return this.state === 'asking' ? this.#giveUp('again') : [];
      case 'gone':
        return this.state === 'asking' ? this.#giveUp('adopt') : this.#goesWrong();
      case 'page':
        return this.#page(event.next, event.isLast);
      case 'fenced':
        if (this.state === 'parting') return this.#finish();
        if (this.state !== 'fencing') return [];
        this.state = 'closing';
        return [{ type: 'close' }];
      case 'closed':
        if (this.state !== 'closing') return [];
        this.#end = event.end;
        this.state = 'rest';
        return this.offset >= event.end ? this.#keep() : [{ type: 'askPage', offset: this.offset }];
      case 'kept':
        if (this.state !== 'keeping') return [];
        this.state = 'claiming';
        return [{ type: 'claim' }];
      case 'claimed':
        if (this.state !== 'claiming') return [];
        if (!this.#isAdoption) return this.#finish();
        this.state = 'parting';
        return [{ type: 'fence' }];
      case 'followed':
        return this.state === 'claiming' ? this.#finish('again') : [];
      case 'lost':
        return this.state === 'claiming' ? this.#giveUp('again') : [];
      case 'failed':
        return this.#goesWrong();
    }
  }

  /** What is claimed is ours, and goes on. */
  #goesWrong(): MoveEffect[] {
    return this.state === 'parting' ? this.#finish() : this.#giveUp('unavailable');
  }

  #page(next: number, isLast: boolean): MoveEffect[] {
    if (this.state !== 'copying' && this.state !== 'rest') return [];
    const stuck = next <= this.offset && !isLast;
    if (stuck) return this.#giveUp('unavailable');
    this.offset = Math.max(this.offset, next);
    this.#pages++;
    if (this.state === 'rest')
      return this.offset >= this.#end || isLast ? this.#keep() : [{ type: 'askPage', offset: this.offset }];
    if (!isLast && this.#pages < ROUNDS_MAX) return [{ type: 'askPage', offset: this.offset }];
    this.state = 'fencing';
    return [{ type: 'fence' }];
  }

  #keep(): MoveEffect[] {
    this.state = 'keeping';
    return [{ type: 'keep' }];
  }

  #finish(result: 'here' | 'again' = 'here'): MoveEffect[] {
    this.state = 'done';
    const tell: MoveEffect[] = this.#isAdoption ? [] : [{ type: 'tellMoved' }];
    return [{ type: 'begin' }, ...tell, { type: 'answer', result }];
  }

  #giveUp(result: 'again' | 'unavailable' | 'adopt'): MoveEffect[] {
    this.state = 'done';
    const tell: MoveEffect[] = this.#isAdoption ? [] : [{ type: 'tellStay' }];
    return [...tell, { type: 'discard' }, { type: 'answer', result }];
  }
}
