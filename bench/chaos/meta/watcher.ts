/** A client that watches keys of a group, stops and goes on where it was at another node, sometimes so late that its place is compacted: then it reads its keys, and goes on from there. */
import { setTimeout as pause } from 'node:timers/promises';
import type { WatchHandle } from '../../../src/actors/meta/client/watch.ts';
import type { MetaRecord } from '../../../src/actors/meta/state/record.ts';
import type { Prng } from '../../../src/base/prng.ts';
import type { Bed } from './bed.ts';
import type { MetaPort } from './meta-port.ts';
import { WatchLog } from './watch-log.ts';

const STAYS_MS = 6000;
const AWAY_MS_MAX = 12_000;
const READ_MS = 4000;
const STEP_MS = 20;

export class Watcher {
  readonly log: WatchLog;
  readonly group: number;
  readonly #bed: Bed;
  readonly #ports: readonly MetaPort[];
  readonly #prng: Prng;
  #handle: WatchHandle | undefined;
  /** Revision that compaction has gone to. */
  #compacted = 0;
  compactions = 0;
  moves = 0;

  constructor(bed: Bed, ports: readonly MetaPort[], prng: Prng, group: number, name: string, from: string, to: string) {
    this.#bed = bed;
    this.#ports = ports;
    this.#prng = prng;
    this.group = group;
    this.log = new WatchLog(name, bed.story(group), from, to, bed.fault);
  }

  /** Stays for good when the clients come to their end. */
  async run(isEnding: () => boolean, isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      this.#watch();
      const untilMs = this.#bed.nowMs() + this.#prng.below(STAYS_MS);
      while (!isDone() && this.#compacted === 0 && (isEnding() || this.#bed.nowMs() < untilMs)) await pause(STEP_MS);
      this.#handle?.stop();
      this.#handle = undefined;
      if (this.#compacted > 0) await this.#readAnew(isDone);
      this.moves++;
      const awayMs = this.#bed.nowMs() + (this.#prng.chance(0.2) ? this.#prng.below(AWAY_MS_MAX) : 0);
      while (!isEnding() && this.#bed.nowMs() < awayMs) await pause(STEP_MS);
    }
  }

  #watch(): void {
    const port = this.#ports[this.#prng.below(this.#ports.length)]!;
    const { from, to } = this.log;
    const handle = port.watch(
      { group: this.group, from, to, since: this.log.through + 1 },
      {
        changed: (steps, through) => {
          if (steps.length > 0) this.#bed.answered++;
          this.log.changed(steps, through, this.#bed.nowMs());
        },
        compacted: (revision) => {
          this.compactions++;
          this.#compacted = revision;
          if (revision <= this.log.through)
            this.#bed.fault(
              `${this.log.name} is told that its place is compacted up to ${revision}, and had been told up to ${this.log.through}`,
            );
        },
      },
    );
    this.#handle = handle;
  }

  async #readAnew(isDone: () => boolean): Promise<void> {
    for (;;) {
      const all = await this.read();
      if (all !== undefined) {
        if (all.revision < this.#compacted)
          this.#bed.fault(`${this.log.name} was told of compaction up to ${this.#compacted}, and reads revision ${all.revision}`);
        this.#compacted = 0;
        return this.log.reset(all.records, all.revision);
      }
      if (isDone()) return;
      await pause(STEP_MS);
    }
  }

  /** All of its keys, as of one revision. */
  async read(): Promise<{ readonly revision: number; readonly records: readonly MetaRecord[] } | undefined> {
    const port = this.#ports[this.#prng.below(this.#ports.length)]!;
    return readAll(port, this.group, this.log.from, this.log.to, false, 0, READ_MS);
  }
}

/** All pages at the revision of the first (or at this one); undefined: not now. */
export async function readAll(
  port: MetaPort,
  group: number,
  start: string,
  to: string,
  isStale: boolean,
  asOf: number,
  deadlineMs: number,
): Promise<{ readonly revision: number; readonly records: readonly MetaRecord[] } | undefined> {
  const records: MetaRecord[] = [];
  let revision = asOf;
  for (let from = start; ; ) {
    const outcome = await port.range(group, { from, to, limit: 0, revision }, isStale, deadlineMs);
    if (!outcome.isOk) return undefined;
    revision = outcome.value.revision;
    for (const record of outcome.value.records) records.push(record);
    if (!outcome.value.isMore) return { revision, records };
    from = `${records.at(-1)!.key}\0`;
  }
}
