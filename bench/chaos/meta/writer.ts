/** A client that reads and writes single keys, one thing at a time: puts, deletions, and both conditional ways, on a value and on a revision. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Input } from '../../../spec/sim/meta/clients.ts';
import type { MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import type { Prng } from '../../../src/base/prng.ts';
import { type Bed, KEYS } from './bed.ts';
import type { KeyPort } from './meta-port.ts';
import { GONE } from './story.ts';
import { valueWith } from './value.ts';
import { seenOf } from './watch-log.ts';

const KEYS_PER_ROUND = 12;
const PAUSE_MS_MAX = 10;
type Type = Input['type'];
const TYPES: readonly Type[] = ['get', 'get', 'get', 'put', 'put', 'cas', 'claim', 'claim', 'delete'];
/** There is no condition on a value over HTTP. */
export const HTTP_TYPES: readonly Type[] = TYPES.filter((type) => type !== 'cas');

/** What a client believes of a key. */
interface Known {
  readonly tag: string;
  readonly modified: number;
}

const ABSENT: Known = { tag: GONE, modified: 0 };

export class Writer {
  readonly #bed: Bed;
  readonly #port: KeyPort;
  readonly #prng: Prng;
  readonly #name: string;
  readonly #types: readonly Type[];
  #known = new Map<string, Known>();
  #round = 0;
  #count = 0;

  constructor(bed: Bed, port: KeyPort, prng: Prng, name: string, types: readonly Type[] = TYPES) {
    this.#bed = bed;
    this.#port = port;
    this.#prng = prng;
    this.#name = name;
    this.#types = types;
  }

  async run(): Promise<void> {
    while (!this.#bed.isOver) {
      await this.#step();
      await pause(this.#prng.below(PAUSE_MS_MAX));
    }
  }

  async #step(): Promise<void> {
    const { round } = this.#bed;
    if (round !== this.#round) this.#known = new Map();
    this.#round = round;
    const place = this.#prng.below(KEYS_PER_ROUND);
    const group = this.#bed.busyGroup(place);
    const key = `${KEYS}k/${round}.${place}`;
    const type = this.#types[this.#prng.below(this.#types.length)]!;
    if (type === 'get') return this.#get(group, key);
    const known = this.#known.get(key) ?? ABSENT;
    const value = type === 'delete' ? '' : `${this.#name}.${++this.#count}`;
    await this.#write(group, { key, type, expected: type === 'cas' || type === 'claim' ? known.tag : '', value }, known);
  }

  async #get(group: number, key: string): Promise<void> {
    const bed = this.#bed;
    const looked = await bed.look(this.#port, group, [key], bed.deadlineMs(this.#prng), this.#name);
    if (looked === undefined) return;
    const { callMs } = looked;
    const [record] = looked.records;
    const seen = record === undefined ? ABSENT : seenOf(record);
    if (record !== undefined) bed.story(group).tell(record.modified, key, seen.tag, `a read by ${this.#name}`);
    this.#known.set(key, seen);
    bed.history.push({ input: { key, type: 'get', expected: '', value: '' }, output: seen.tag, callMs, returnMs: bed.nowMs() });
  }

  async #write(group: number, input: Input, known: Known): Promise<void> {
    const bed = this.#bed;
    const story = bed.story(group);
    const { key, value } = input;
    if (value !== '') story.sent(value);
    const callMs = bed.nowMs();
    const outcome = await this.#port.command(group, commandOf(input, known), bed.deadlineMs(this.#prng));
    bed.heard(outcome, () => `a ${input.type} of ${key}`);
    if (outcome.isOk) {
      const output = this.#done(group, input, outcome.value);
      bed.history.push({ input, output, callMs, returnMs: bed.nowMs() });
    } else if (outcome.failure === 'unknown') {
      bed.history.push({ input, output: undefined, callMs, returnMs: Number.POSITIVE_INFINITY });
    } else if (value !== '') {
      story.undone(value, outcome.failure);
    }
  }

  #done(group: number, { key, type, expected, value }: Input, reply: MetaReply): string {
    const story = this.#bed.story(group);
    const by = `the ${type} by ${this.#name}`;
    const isDone =
      reply.type === 'claimed' ? reply.results[0]!.isDone : reply.type === 'txn' ? reply.isSuccess : reply.type === 'written';
    if ('revision' in reply) story.known(reply.revision, this.#bed.nowMs());
    if (!isDone) {
      story.undone(value, 'no');
      return 'no';
    }
    const { revision } = reply as { readonly revision: number };
    const isChange = type !== 'delete' || (reply.type === 'written' && reply.deleted > 0);
    if (isChange) story.tell(revision, key, value, by);
    this.#known.set(key, type === 'delete' ? ABSENT : { tag: value, modified: revision });
    if (reply.type === 'claimed') {
      const { modified, before } = reply.results[0]!;
      const was = before === undefined ? GONE : seenOf(before).tag;
      if (modified !== revision || was !== expected)
        this.#bed.fault(
          `${story.name}: ${by} of ${key} is done in revision ${revision}, and says ${modified}; it expected '${expected}', and took '${was}'`,
        );
    }
    return type === 'cas' || type === 'claim' ? 'yes' : '';
  }
}

function commandOf({ type, key, expected, value }: Input, { modified }: Known): MetaCommand {
  if (type === 'delete') return { type: 'write', puts: [], deletes: [key] };
  const put = { key, value: valueWith(value), lease: 0 };
  if (type === 'put') return { type: 'write', puts: [put], deletes: [] };
  if (type === 'claim') return { type: 'claim', claims: [{ ...put, expected: modified }], wantsBefore: true };
  const isThere =
    expected === GONE
      ? ({ key, target: 'version', relation: '=', operand: 0 } as const)
      : ({ key, target: 'value', relation: '=', operand: valueWith(expected) } as const);
  return { type: 'txn', compares: [isThere], success: [{ type: 'put', put }], failure: [] };
}
