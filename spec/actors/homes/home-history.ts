/**
 * What the entries of sessions went through, as the replicas of their groups have made it: a life of a session goes from home to home, and each time its epoch grows by one. A claim that rests on what is not so any more, and is done
 * all the same, makes two entries of one epoch.
 */
import { SESSION_PREFIX } from '../../../src/actors/homes/directory.ts';
import { decodeEntry, type HomeEntry } from '../../../src/actors/homes/entry.ts';
import type { MetaReplica } from '../../../src/actors/meta/replica.ts';
import type { Change, Step } from '../../../src/actors/meta/state/history.ts';
import { keyOf, textOf } from '../../../src/actors/meta/state/record.ts';

const PREFIX = keyOf(SESSION_PREFIX);

export class HomeHistory {
  readonly violations: string[] = [];
  /** By group: up to which revision it has been told by whichever replica was first. */
  readonly #told = new Map<number, number>();
  /** By client id. */
  readonly #entries = new Map<string, HomeEntry>();
  /** Homes that any entry has named, one after the other. */
  moves = 0;

  watch(replica: MetaReplica): void {
    replica.machine.observe({ stepped: (step) => this.#stepped(replica.group, step), leased: () => {} });
  }

  #stepped(group: number, { revision, changes }: Step): void {
    if (revision <= (this.#told.get(group) ?? 0)) return;
    this.#told.set(group, revision);
    for (const change of changes) if (change.key.startsWith(PREFIX)) this.#changed(change);
  }

  #changed({ key, after }: Change): void {
    const clientId = textOf(key.slice(PREFIX.length));
    const before = this.#entries.get(clientId);
    if (after?.value === undefined) return void this.#entries.delete(clientId);
    const entry = decodeEntry(after.value);
    if (entry === undefined) return void this.violations.push(`nobody can read the entry of ${clientId}`);
    this.#entries.set(clientId, entry);
    if (before === undefined || before.life !== entry.life) {
      if (entry.epoch !== 1) this.#complain(clientId, before, entry);
      return;
    }
    if (before.home !== entry.home) this.moves++;
    const stays = entry.home === before.home && entry.epoch === before.epoch;
    if (!stays && entry.epoch !== before.epoch + 1) this.#complain(clientId, before, entry);
  }

  #complain(clientId: string, before: HomeEntry | undefined, after: HomeEntry): void {
    const say = ({ home, life, epoch }: HomeEntry): string => `home ${home}, life ${life}, epoch ${epoch}`;
    this.violations.push(`${clientId} went from ${before === undefined ? 'nothing' : say(before)} to ${say(after)}`);
  }
}
