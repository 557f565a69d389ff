/** A watcher that is told what the one story says of its keys: every step, in order, once; or that what it wanted is compacted, and then it begins anew. */
import type { MetaClient } from '../../../src/actors/meta/client/client.ts';
import type { WatchedStep } from '../../../src/actors/meta/codec/answer-codec.ts';
import type { ClientWorld } from './clients.ts';
import { must } from './oracle.ts';

export class Watcher {
  readonly #world: ClientWorld;
  readonly #client: MetaClient;
  readonly #from: string;
  readonly #to: string;
  /** Up to here it has been told. */
  through: number;
  steps = 0;
  compactions = 0;

  constructor(world: ClientWorld, client: MetaClient, from: string, to: string, since: number) {
    this.#world = world;
    this.#client = client;
    this.#from = from;
    this.#to = to;
    this.through = since - 1;
    this.#begin();
  }

  #begin(): void {
    this.#client.watch(
      { group: 1, from: this.#from, to: this.#to, since: this.through + 1 },
      {
        changed: (steps, through) => this.#world.guard(() => this.#changed(steps, through)),
        compacted: (revision) =>
          this.#world.guard(() => {
            must(revision > this.through, `compacted up to ${revision}, and told up to ${this.through}`);
            this.compactions++;
            this.through = revision;
            this.#begin();
          }),
      },
    );
  }

  #changed(steps: readonly WatchedStep[], through: number): void {
    const { oracle } = this.#world;
    must(through <= oracle.last, `told up to revision ${through}, which nobody has made`);
    must(through >= this.through, `told up to ${through} after ${this.through}`);
    const told = steps.map(({ revision, changes }) => [
      revision,
      changes.map(({ key, record }) => [key, record && Buffer.from(record.value!).toString()]),
    ]);
    const expected: unknown[] = [];
    for (let revision = this.through + 1; revision <= through; revision++) {
      const concerned = oracle
        .step(revision)
        .changes.filter(({ key }) => key >= this.#from && (this.#to === '' || key < this.#to));
      if (concerned.length > 0) expected.push([revision, concerned.map(({ key, value }) => [key, value])]);
    }
    must(
      JSON.stringify(told) === JSON.stringify(expected),
      `from ${this.through + 1} to ${through} a watcher was told ${JSON.stringify(told)}, and there was ${JSON.stringify(expected)}`,
    );
    this.steps += steps.length;
    this.through = through;
  }
}
