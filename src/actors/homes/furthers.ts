/**
 * What former homes have given on to sessions that are here, and how far: who gives asks again when an answer is lost or late, with the same messages or with more behind them, and they are not to come as often as that. Forgotten with the
 * node, and when there are too many: then some come twice. Lives in the homes actor. Bound: HOMES_FURTHERS_KEPT former homes.
 */
import { HOMES_FURTHERS_KEPT } from '../../base/limits.ts';

interface Given {
  /** Everything before that offset of the former home's is here. */
  taken: number;
  isUnderWay: boolean;
}

export class Furthers {
  /** By former home and session, the one that was heard of last behind the others. */
  readonly #given = new Map<string, Given>();

  /**
   * Messages from `offset` on to `next`; `give` hands them to the session. Calls `then` with how far the former home's messages are here; undefined: it is to ask again.
   */
  take(
    key: string,
    { offset, next }: { readonly offset: number; readonly next: number },
    give: (then: (isTaken: boolean) => void) => void,
    then: (taken: number | undefined) => void,
  ): void {
    const given = this.#find(key);
    if (given.taken > offset) return then(given.taken);
    // Those that are being written may be these.
    if (given.isUnderWay) return then(undefined);
    given.isUnderWay = true;
    give((isTaken) => {
      given.isUnderWay = false;
      if (isTaken) given.taken = next;
      then(isTaken ? next : undefined);
    });
  }

  #find(key: string): Given {
    const given = this.#given.get(key) ?? { taken: 0, isUnderWay: false };
    this.#given.delete(key);
    this.#given.set(key, given);
    if (this.#given.size > HOMES_FURTHERS_KEPT) this.#given.delete(this.#given.keys().next().value!);
    return given;
  }
}
