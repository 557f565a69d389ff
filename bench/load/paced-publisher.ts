/**
 * One publisher of an open-loop load. Every message has an intended time of sending, which is its stamp; a message that cannot leave
 * (window full, socket full) waits and keeps that time, so a broker that stalls pays for every message it held up.
 */
import type { Histogram } from '../../src/base/histogram.ts';
import { BenchError } from './bench-error.ts';
import { PacketSender, type PacketSenderOptions } from './packet-sender.ts';

/** Messages that may wait in one publisher; beyond that the rate is far above what the broker takes and the run fails. */
const BACKLOG_MAX = 1_000_000;

export class PacedPublisher {
  /** Messages that were due so far. */
  offered = 0;
  readonly #sender: PacketSender;
  readonly #options: Omit<PacketSenderOptions, 'onCredit'>;
  readonly #sendLag: Histogram;
  readonly #backlog: number[] = [];
  #head = 0;

  constructor(options: Omit<PacketSenderOptions, 'onCredit'>, sendLag: Histogram) {
    this.#options = options;
    this.#sendLag = sendLag;
    this.#sender = new PacketSender({ ...options, onCredit: () => this.#sendBacklog() });
  }

  get sent(): number {
    return this.#sender.sent;
  }

  /** A message is due since `intendedMs`, at `nowMs`; its latency counts from `stampMs`. */
  offer(intendedMs: number, nowMs: number, stampMs: number = intendedMs): void {
    this.offered += 1;
    if (this.#head === this.#backlog.length && this.#sender.sendOne(stampMs)) {
      this.#recordLag(intendedMs, nowMs);
      return;
    }
    if (this.#backlog.length - this.#head >= BACKLOG_MAX)
      throw new BenchError('protocol', 'the target is too slow for this rate');
    this.#backlog.push(stampMs);
  }

  #recordLag(intendedMs: number, nowMs: number): void {
    if (this.#options.span.holds(intendedMs)) this.#sendLag.record((nowMs - intendedMs) * 1000);
  }

  #sendBacklog(): void {
    while (this.#head < this.#backlog.length && this.#sender.sendOne(this.#backlog[this.#head] as number)) {
      this.#recordLag(this.#backlog[this.#head] as number, this.#options.now());
      this.#head += 1;
    }
    if (this.#head === this.#backlog.length && this.#head > 0) {
      this.#backlog.length = 0;
      this.#head = 0;
    }
  }
}
