/**
 * What one publisher has sent to one MQTT topic and what it has heard about it, and whether a log that was found after a crash agrees. Messages of a topic are
 * numbered in the order of sending. Pure.
 */
import type { Qos } from '../../src/wire/mqtt/constants.ts';

export class TopicLedger {
  readonly topic: string;
  readonly qos: Qos;
  /** Old messages may be gone: the declared topic has a retention. */
  readonly expires: boolean;
  /** The topic's log is not the one that knows what the session has sent: a crash between the two can make a message of QoS 2 come twice. */
  readonly isApart: boolean;
  /** How often each message was sent; its number is the index. */
  readonly sends: number[] = [];
  readonly #acked: boolean[] = [];
  acked = 0;

  constructor(topic: string, qos: Qos, { expires, isApart }: { readonly expires: boolean; readonly isApart: boolean }) {
    this.topic = topic;
    this.qos = qos;
    this.expires = expires;
    this.isApart = isApart;
  }

  /** Number of the message that is sent now for the first time. */
  next(): number {
    return this.sends.push(1) - 1;
  }

  sentAgain(number: number): void {
    this.sends[number]!++;
  }

  /** The broker has taken it: PUBACK, or PUBREC. */
  ack(number: number): void {
    if (this.#acked[number] === true) return;
    this.#acked[number] = true;
    this.acked++;
  }

  isAcked(number: number): boolean {
    return this.#acked[number] === true;
  }

  /**
   * What is wrong with finding these messages, in this order, in the log or with a subscriber; empty when nothing is. `redelivers`: what was there once may come more
   * often at QoS 1.
   */
  faults(found: readonly number[], redelivers = false): string[] {
    const faults: string[] = [];
    const counts = new Map<number, number>();
    let last = -1;
    for (const number of found) {
      const count = (counts.get(number) ?? 0) + 1;
      counts.set(number, count);
      if (count > 1) continue;
      if (number < last) faults.push(`message ${number} comes behind message ${last}`);
      last = number;
    }
    for (const [number, count] of counts) {
      const sends = this.sends[number] ?? 0;
      if (sends === 0) faults.push(`message ${number} was never sent`);
      else if (this.qos === 1 && redelivers) continue;
      else if (count > (this.qos === 2 && !this.isApart ? 1 : sends))
        faults.push(`message ${number} is there ${count} times, sent ${sends} times at QoS ${this.qos}`);
    }
    return faults.concat(this.#missing(counts, last));
  }

  /** All that was acknowledged is there, and no later message without those that were sent before it. */
  #missing(counts: ReadonlyMap<number, number>, last: number): string[] {
    const faults: string[] = [];
    const first = this.expires ? Math.min(...counts.keys(), this.sends.length) : 0;
    for (let number = first; number < this.sends.length; number++) {
      if (counts.has(number)) continue;
      if (this.isAcked(number)) faults.push(`message ${number} was acknowledged and is not there`);
      else if (number < last) faults.push(`message ${number} is not there, later ones are`);
    }
    return faults;
  }
}
