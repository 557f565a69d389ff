/**
 * What the inboxes of this reactor get of messages that were published on others: gathered into frames like their own, but for the units of the publishers' reactors, which
 * write them and tell where they are (joint-units.ts).
 */
import { assert } from '../../base/assert.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { ROUTER_BYTES } from '../router/messages.ts';
import { STORE_ERRORS } from '../store/messages.ts';
import type { FanOut, FanOuts } from './fan-outs.ts';
import { encodePart, WRITTEN_BYTES } from './joint-records.ts';
import type { RecordSender } from './joint-units.ts';

/** Of one other reactor. */
class Book {
  unit = 0;
  /** Of that unit, done since the last record. */
  runs = 0;
  frames: FanOut[] = [];
  /** Sent and not answered. Those of a unit are answered in order; units need not be, because what a third reactor passes on comes late. */
  readonly sent: { readonly unit: number; readonly fanOut: FanOut }[] = [];
}

export class Parts {
  readonly #system: ActorSystem;
  readonly #sender: RecordSender;
  readonly #fanOuts: FanOuts;
  readonly #books = new Map<number, Book>();

  constructor(system: ActorSystem, sender: RecordSender, fanOuts: FanOuts) {
    this.#system = system;
    this.#sender = sender;
    this.#fanOuts = fanOuts;
    fanOuts.onForeign = (origin, fanOut) => this.#book(origin).frames.push(fanOut);
    system.onThreadChange((thread, state) => {
      if (state === 'down') this.#lost(thread);
    });
  }

  /** A run of that unit of `thread` is delivered between this and `delivered`. */
  begin(thread: number, unit: number): void {
    const book = this.#book(thread);
    if (book.unit !== unit) this.#send(thread, book);
    book.unit = unit;
    this.#fanOuts.origin = thread;
  }

  delivered(thread: number): void {
    this.#book(thread).runs++;
    this.#fanOuts.origin = 0;
  }

  /** Sends what this turn has gathered. */
  endTurn(): void {
    for (const [thread, book] of this.#books) this.#send(thread, book);
  }

  /** A record `written`. */
  onWritten(bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start);
    const status = view.getUint32(4, true);
    const bases = Array.from({ length: view.getUint32(8, true) }, (_, i) => view.getFloat64(WRITTEN_BYTES + i * 8, true));
    const unit = view.getUint32(12, true);
    const { sent } = this.#book(view.getUint32(0, true));
    const at = sent.findIndex((each) => each.unit === unit);
    assert(at >= 0, 'what is written has been sent');
    const [{ fanOut }] = sent.splice(at, 1) as [(typeof sent)[number]];
    fanOut.write.committed(status === 0 ? undefined : STORE_ERRORS[status - 1]!, bases);
  }

  #send(thread: number, book: Book): void {
    if (book.runs === 0) return;
    this.#fanOuts.handOver();
    const { unit, runs, frames } = book;
    book.runs = 0;
    book.frames = [];
    for (const fanOut of frames) book.sent.push({ unit, fanOut });
    this.#sender.sendAnyway(thread, ROUTER_BYTES.part, encodePart(this.#system.thread, unit, runs, frames));
  }

  #book(thread: number): Book {
    let book = this.#books.get(thread);
    if (book === undefined) {
      book = new Book();
      this.#books.set(thread, book);
    }
    return book;
  }

  /** Whether it has written them nobody can tell; if so, the log has them and they are read from there. */
  #lost(thread: number): void {
    const book = this.#books.get(thread);
    if (book === undefined) return;
    this.#fanOuts.handOver();
    this.#books.delete(thread);
    for (const fanOut of [...book.sent.map((each) => each.fanOut), ...book.frames])
      fanOut.write.committed('SLUICE_STORAGE_FAILED', []);
  }
}
