/**
 * A durable write that publishers wait for: what one turn has gathered for one shard. Whoever publishes into it leaves a receipt, and hears when all
 * the writes that its messages went to are done.
 */
import type { Committed } from '../store/client.ts';
import type { StoreErrorCode } from '../store/messages.ts';

/** Waits for one or more writes. Called outside of any actor's turn; must not throw. */
export interface Receipt {
  written(code: StoreErrorCode | undefined): void;
}

export class StagedWrite implements Committed {
  #receipts: Receipt[] = [];
  readonly #then: ((code: StoreErrorCode | undefined, results: readonly number[]) => void) | undefined;

  constructor(then?: (code: StoreErrorCode | undefined, results: readonly number[]) => void) {
    this.#then = then;
  }

  await(receipt: Receipt): void {
    this.#receipts.push(receipt);
  }

  committed(code: StoreErrorCode | undefined, results: readonly number[]): void {
    this.#then?.(code, results);
    const receipts = this.#receipts;
    this.#receipts = [];
    for (const receipt of receipts) receipt.written(code);
  }
}
