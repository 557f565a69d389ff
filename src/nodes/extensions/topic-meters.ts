/** The topic metrics of a node, on the main thread: filters whose messages are counted, kept in `node.data`, and put into force on every reactor. */

import type { InsightMessage } from '../../actors/insight/messages.ts';
import { allocateMeters, METER_COUNTERS, type MeterCounter, type MeterSpec, meterRow } from '../../actors/insight/meters.ts';
import { WELL_KNOWN } from '../../actors/well-known.ts';
import { SluiceError } from '../../base/errors.ts';
import { TOPIC_METERS_MAX } from '../../base/limits.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { OwnMetric } from '../metrics.ts';
import type { DocumentStore } from '../security/document-store.ts';

export interface MeterView {
  readonly filter: string;
  readonly counters: Readonly<Record<MeterCounter, number>>;
}

export class TopicMeters {
  readonly memory: SharedArrayBuffer;
  readonly #reactors: number;
  readonly #store: DocumentStore;
  readonly #byFilter = new Map<string, number>();
  #system: ActorSystem | undefined;

  constructor(reactors: number, store: DocumentStore) {
    this.#reactors = reactors;
    this.#store = store;
    this.memory = allocateMeters(reactors);
    for (const filter of readFilters(store.read('topic-metrics'))) this.#byFilter.set(filter, this.#freeIndex());
  }

  attach(system: ActorSystem): void {
    this.#system = system;
    for (let thread = 1; thread <= this.#reactors; thread++) this.#tell(thread);
    system.onThreadChange((thread, state) => {
      if (state === 'up' && thread > 0) this.#tell(thread);
    });
  }

  list(): MeterView[] {
    return [...this.#byFilter].map(([filter, index]) => ({ filter, counters: this.#counters(index) }));
  }

  find(filter: string): MeterView | undefined {
    return this.list().find((each) => each.filter === filter);
  }

  /** Rejects with SLUICE_HTTP_CONFLICT when it is there, SLUICE_HTTP_LIMIT when there is no room, SLUICE_HTTP_INVALID for no filter. */
  async add(filter: string): Promise<void> {
    const parsed = parseFilter(filter);
    if (parsed === undefined || parsed.filter !== filter)
      throw new SluiceError('SLUICE_HTTP_INVALID', `'${filter}' is no plain topic filter`);
    if (this.#byFilter.has(filter)) throw new SluiceError('SLUICE_HTTP_CONFLICT', `'${filter}' is counted already`);
    if (this.#byFilter.size >= TOPIC_METERS_MAX)
      throw new SluiceError('SLUICE_HTTP_LIMIT', `there are at most ${TOPIC_METERS_MAX} topic metrics`);
    const index = this.#freeIndex();
    for (let thread = 1; thread <= this.#reactors; thread++) meterRow(this.memory, thread, index).fill(0);
    this.#byFilter.set(filter, index);
    await this.#changed();
  }

  /** False when it is not counted. */
  async remove(filter: string): Promise<boolean> {
    if (!this.#byFilter.delete(filter)) return false;
    await this.#changed();
    return true;
  }

  reset(filter: string): boolean {
    const index = this.#byFilter.get(filter);
    if (index === undefined) return false;
    for (let thread = 1; thread <= this.#reactors; thread++) meterRow(this.memory, thread, index).fill(0);
    return true;
  }

  metrics(): readonly OwnMetric[] {
    const read = (pick: (counters: MeterView['counters']) => Readonly<Record<string, number>>, label: string) => () =>
      this.list().flatMap(({ filter, counters }) =>
        Object.entries(pick(counters)).map(([name, value]) => ({ labels: { filter, [label]: name }, value })),
      );
    return [
      {
        name: 'sluice_topic_messages_total',
        kind: 'counter',
        help: 'Messages of the topics of a topic metric: in by QoS, out to clients, dropped because nobody wanted them.',
        labelNames: ['filter', 'direction'],
        read: read(({ in_bytes: _, ...messages }) => messages, 'direction'),
      },
      {
        name: 'sluice_topic_bytes_total',
        kind: 'counter',
        help: 'Bytes of PUBLISH packets in, of the topics of a topic metric.',
        labelNames: ['filter', 'direction'],
        read: read(({ in_bytes }) => ({ in: in_bytes }), 'direction'),
      },
    ];
  }

  #counters(index: number): MeterView['counters'] {
    const rows = Array.from({ length: this.#reactors }, (_, i) => meterRow(this.memory, i + 1, index));
    return Object.fromEntries(
      METER_COUNTERS.map((name, place) => [name, rows.reduce((sum, row) => sum + row[place]!, 0)]),
    ) as MeterView['counters'];
  }

  #freeIndex(): number {
    const used = new Set(this.#byFilter.values());
    for (let index = 0; ; index++) if (!used.has(index)) return index;
  }

  async #changed(): Promise<void> {
    await this.#store.write('topic-metrics', [...this.#byFilter.keys()]);
    for (let thread = 1; thread <= this.#reactors; thread++) this.#tell(thread);
  }

  #tell(thread: number): void {
    if (this.#system === undefined) return;
    const meters: MeterSpec[] = [...this.#byFilter].map(([filter, index]) => ({ filter, index }));
    const insight = wellKnownRef<InsightMessage>(this.#system.node, thread, WELL_KNOWN.insight);
    this.#system.tell<InsightMessage>(insight, { type: 'meters', meters });
  }
}

function readFilters(document: unknown): readonly string[] {
  if (document === undefined) return [];
  const isList = Array.isArray(document) && document.length <= TOPIC_METERS_MAX && document.every(isFilter);
  if (!isList) throw new SluiceError('SLUICE_SECURITY_STORE', 'topic-metrics.json does not hold topic filters');
  return document as readonly string[];
}

function isFilter(each: unknown): boolean {
  return typeof each === 'string' && parseFilter(each)?.filter === each;
}
