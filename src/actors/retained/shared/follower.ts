/**
 * Keeps a reactor told of all that the cluster has retained: reads each group of the metadata once, then follows it; when the watch has lost its place it reads the whole again and the difference counts.
 * All pages of a reading are of one revision. Bound: a page at a time per group, and the names of what has been read.
 */
import { RETAINED_PAGE, RETAINED_READ_MS } from '../../../base/limits.ts';
import type { MetaClient } from '../../meta/client/client.ts';
import type { WatchHandle } from '../../meta/client/watch.ts';
import type { WatchedStep } from '../../meta/codec/answer-codec.ts';
import { endOfPrefix, keyOf, type MetaKey, textOf } from '../../meta/state/record.ts';
import { KEYS } from '../../metadata/messages.ts';

export interface FollowerPorts {
  readonly client: Pick<MetaClient, 'range' | 'watch'>;
  /** The metadata has that for the topic; undefined: nothing. `value` is valid during the call. */
  readonly told: (name: string, value: Uint8Array | undefined) => void;
  /** All changes of the group up to there have been told. */
  readonly reached: (group: number, revision: number) => void;
  /** The group was told as it is at `revision`; those are all the names that it has. */
  readonly readWhole: (group: number, revision: number, names: ReadonlySet<string>) => void;
  readonly onRead: () => void;
}

interface Following {
  readonly group: number;
  watch: WatchHandle | undefined;
  /** What comes late of an earlier reading does not count. */
  reading: number;
  isLoaded: boolean;
  /** The nearest replica will do: the leader does not answer. */
  isStale: boolean;
  /** To be read by the next tick. */
  isDue: boolean;
  revision: number;
}

const PREFIX: MetaKey = keyOf(KEYS.retained);
const END: MetaKey = endOfPrefix(PREFIX);

export class RetainedFollower {
  readonly #ports: FollowerPorts;
  readonly #groups: readonly Following[];

  constructor(groups: readonly number[], ports: FollowerPorts) {
    this.#ports = ports;
    this.#groups = groups.map((group) => ({
      group,
      watch: undefined,
      reading: 0,
      isLoaded: false,
      isStale: false,
      isDue: true,
      revision: 0,
    }));
  }

  /** Every group has been read. */
  get isLoaded(): boolean {
    return this.#groups.every(({ isLoaded }) => isLoaded);
  }

  /** Reads what is due. */
  tick(): void {
    for (const following of this.#groups) if (following.isDue) this.#read(following);
  }

  /** All is to be read anew. */
  readAgain(): void {
    for (const following of this.#groups) following.isDue = true;
  }

  #read(following: Following): void {
    following.isDue = false;
    following.watch?.stop();
    following.watch = undefined;
    this.#page(following, ++following.reading, PREFIX, 0, new Set());
  }

  #page(following: Following, reading: number, from: MetaKey, revision: number, names: Set<string>): void {
    const { group, isStale } = following;
    const request = { from, to: END, limit: RETAINED_PAGE, revision };
    this.#ports.client.range(
      group,
      request,
      isStale,
      (outcome) => {
        if (reading !== following.reading) return;
        // What a replica that is behind has is older than what is known.
        if (!outcome.isOk || (revision === 0 && outcome.value.revision < following.revision)) return this.#failed(following);
        const page = outcome.value;
        const at = revision === 0 ? page.revision : revision;
        for (const { key, value } of page.records) {
          const name = nameOf(key);
          names.add(name);
          this.#ports.told(name, value);
        }
        if (page.isMore) return this.#page(following, reading, `${page.records.at(-1)!.key}\0`, at, names);
        this.#follow(following, at, names);
      },
      { deadlineMs: RETAINED_READ_MS },
    );
  }

  #failed(following: Following): void {
    following.isDue = true;
    // Later on what is known is newer than what some replica may have.
    following.isStale = !following.isLoaded && !following.isStale;
  }

  #follow(following: Following, revision: number, names: ReadonlySet<string>): void {
    const { group, reading } = following;
    following.isLoaded = true;
    following.isStale = false;
    following.revision = revision;
    this.#ports.readWhole(group, revision, names);
    this.#ports.onRead();
    following.watch = this.#ports.client.watch(
      { group, from: PREFIX, to: END, since: revision + 1 },
      {
        changed: (steps, through) => {
          if (reading === following.reading) this.#changed(following, steps, through);
        },
        compacted: () => {
          if (reading === following.reading) following.isDue = true;
        },
      },
    );
  }

  #changed(following: Following, steps: readonly WatchedStep[], through: number): void {
    for (const { changes } of steps) {
      for (const { key, record } of changes) {
        // Its value is in the store of the service alone, and the watch does not fetch it.
        if (record !== undefined && record.value === undefined) following.isDue = true;
        else this.#ports.told(nameOf(key), record?.value);
      }
    }
    following.revision = through;
    this.#ports.reached(following.group, through);
  }
}

function nameOf(key: MetaKey): string {
  return textOf(key.slice(PREFIX.length));
}
