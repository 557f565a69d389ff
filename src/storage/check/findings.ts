/** What a check of logs has found wrong or worth a word, in the order of the log; kept up to a bound, counted beyond it. */
import { FINDINGS_MAX } from '../../base/limits.ts';

export interface Finding {
  /** `damage`: something that was durable is not as it was written. `note`: left by a crash or a stranger, and harmless. */
  readonly kind: 'damage' | 'note';
  /** Path, and where in it. */
  readonly place: string;
  readonly what: string;
  /** Which records are lost or in doubt, or what the next start does about it. */
  readonly affected: string;
}

export class Findings {
  readonly list: Finding[] = [];
  damages = 0;
  /** Further ones, of which only the number is known. */
  omitted = 0;

  damage(place: string, what: string, affected: string): void {
    this.damages++;
    this.#add({ kind: 'damage', place, what, affected });
  }

  note(place: string, what: string, affected: string): void {
    this.#add({ kind: 'note', place, what, affected });
  }

  #add(finding: Finding): void {
    if (this.list.length < FINDINGS_MAX) this.list.push(finding);
    else this.omitted++;
  }
}
