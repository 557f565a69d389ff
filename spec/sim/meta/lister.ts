/** Reads all keys in small pages, all as of the revision of the first, while they change: what it gets is what the one story says was there then. */
import type { MetaClient } from '../../../src/actors/meta/client/client.ts';
import type { MetaRecord } from '../../../src/actors/meta/state/record.ts';
import type { ClientWorld } from './clients.ts';
import { must } from './oracle.ts';

export class Lister {
  readonly #world: ClientWorld;
  readonly #client: MetaClient;
  lists = 0;
  isStopped = false;

  constructor(world: ClientWorld, client: MetaClient) {
    this.#world = world;
    this.#client = client;
  }

  start(): void {
    this.#world.at(this.#world.prng.next() * 300, () => {
      if (!this.isStopped) this.#page('', 0, []);
    });
  }

  /** `revision` 0: the first page. */
  #page(from: string, revision: number, before: readonly MetaRecord[]): void {
    const { prng } = this.#world;
    const isStale = revision > 0 && prng.chance(0.5);
    this.#client.range(
      1,
      { from, to: '', limit: 1 + prng.below(2), revision },
      isStale,
      (outcome) =>
        this.#world.guard(() => {
          // Nobody is there, the replica is not so far yet, or what was then is forgotten: from the start.
          if (!outcome.isOk) return this.start();
          const { value: page } = outcome;
          must(
            revision === 0 || page.revision === revision,
            `a page of revision ${page.revision}, and ${revision} was asked for`,
          );
          const records = [...before, ...page.records];
          if (!page.isMore) return this.#whole(page.revision, records);
          // Things go on between two pages.
          this.#world.at(prng.next() * 200, () => this.#page(`${records.at(-1)!.key}\0`, page.revision, records));
        }),
      { deadlineMs: 2000 },
    );
  }

  #whole(revision: number, records: readonly MetaRecord[]): void {
    const told = records.map(({ key, value }) => [key, Buffer.from(value!).toString()]);
    const expected = this.#world.oracle.stateAt(revision);
    must(
      JSON.stringify(told) === JSON.stringify(expected),
      `a list as of ${revision} is ${JSON.stringify(told)}, and there was ${JSON.stringify(expected)}`,
    );
    this.lists++;
    this.start();
  }
}
