/** One publisher's messages in a cluster: which were acknowledged, when, and by whom. */
import { TopicLedger } from '../crash/ledger.ts';

/** Nodes that have ended without being asked to. */
export type Deaths = { readonly node: number; readonly atMs: number }[];

interface Event {
  readonly node: number;
  readonly atMs: number;
}

/** What a node acknowledged this long before its death may have been on its way to the other nodes, or held back by a link that was cut. */
const ON_ITS_WAY_MS = 8000;
/** What a node has said is read after its end, if there is much of it. */
const READ_LATE_MS = 2000;
const RANGES_TOLD = 12;

export class AckedTopic extends TopicLedger {
  readonly #deaths: Deaths;
  readonly #acks: (Event | undefined)[] = [];
  /** Whoever had a message first has passed it on, or not: another node may acknowledge it later, as a repetition. */
  readonly #sent: Event[] = [];
  readonly #beganMs = performance.now();
  /** Messages that may be sent, and as of when. */
  #due = 0;
  #dueMs = performance.now();
  /** The node that the publisher is connected to. */
  node = 0;

  constructor(topic: string, qos: 1 | 2, deaths: Deaths) {
    super(topic, qos, { expires: false, isApart: false });
    this.#deaths = deaths;
  }

  /** What could not be sent in time is not made up for. */
  mayBeNext(perSecond: number): boolean {
    const now = performance.now();
    this.#due = Math.min(this.#due + ((now - this.#dueMs) / 1000) * perSecond, perSecond);
    this.#dueMs = now;
    if (this.#due < 1) return false;
    this.#due--;
    return true;
  }

  override next(): number {
    this.#sent.push({ node: this.node, atMs: performance.now() });
    return super.next();
  }

  override ack(number: number): void {
    super.ack(number);
    this.#acks[number] ??= { node: this.node, atMs: performance.now() };
  }

  /** Messages that were acknowledged and are not among `found`, but for those that went down with their node. */
  missing(found: readonly number[]): { readonly lost: readonly number[]; readonly excused: number } {
    const there = new Set(found);
    const absent = this.sends.map((_, number) => number).filter((number) => this.isAcked(number) && !there.has(number));
    const lost = absent.filter((number) => !this.#wentDown(this.#acks[number]!) && !this.#wentDown(this.#sent[number]!));
    return { lost, excused: absent.length - lost.length };
  }

  /** For people: ranges that one node has acknowledged, and when. */
  tell(numbers: readonly number[]): string {
    const ranges: { from: number; to: number }[] = [];
    for (const number of numbers) {
      const last = ranges.at(-1);
      if (last?.to === number - 1 && this.#acks[last.to]!.node === this.#acks[number]!.node) last.to = number;
      else ranges.push({ from: number, to: number });
    }
    const at = (number: number): number => Math.round(this.#acks[number]!.atMs - this.#beganMs);
    const told = ranges
      .slice(0, RANGES_TOLD)
      .map(({ from, to }) => `${from}-${to} (node ${this.#acks[from]!.node}, ${at(from)}-${at(to)} ms)`);
    return [...told, ...(ranges.length > RANGES_TOLD ? ['…'] : [])].join(', ');
  }

  #wentDown({ node, atMs }: Event): boolean {
    return this.#deaths.some(
      (death) => death.node === node && death.atMs > atMs - READ_LATE_MS && death.atMs < atMs + ON_ITS_WAY_MS,
    );
  }
}
