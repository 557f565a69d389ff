// Where the messages of a backlog lie, against a log that orders them as it likes and answers in any order: each is handed on once, or kept and not handed on; fences come behind what was given before; nothing is acknowledged too early.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BacklogPlaces, type Place, type Stretch } from '../../../src/actors/relay/backlog-places.ts';

const test = suite('places of a backlog');
const fenceName = (name: number): Uint8Array => Buffer.from(String(name));

interface Write {
  readonly stretch: Stretch;
  readonly ids: readonly number[];
  base: number;
}

class Model {
  readonly places = new BacklogPlaces(0, 0);
  /** As the disk has them, by id. */
  readonly #log: number[] = [];
  readonly #given: Write[] = [];
  readonly #written: Write[] = [];
  /** Behind the last that is known here to be there. */
  #end = 0;
  #acked = 0;
  #nextId = 0;
  #fences = 0;
  readonly #kept = new Set<number>();
  readonly #lost = new Set<number>();
  readonly #handed: number[] = [];
  /** What leaves for the other node: ids, with their place. */
  readonly #queue: { readonly ids: readonly number[]; readonly place: Place }[] = [];
  readonly #there = new Set<number>();
  /** By fence: what was given before. */
  readonly #before: number[] = [];

  give(count: number, isKept: boolean): void {
    const stretch = isKept ? this.places.keep() : this.places.current;
    const ids = Array.from({ length: count }, () => this.#nextId++);
    this.places.given(stretch, count);
    this.#given.push({ stretch, ids, base: 0 });
    if (!isKept) return;
    for (const id of ids) this.#kept.add(id);
    this.#queue.push({ ids, place: stretch.place });
  }

  fence(): void {
    this.#before.push(this.#nextId);
    this.places.fence(fenceName(this.#fences++));
  }

  write(choice: number, isLost: boolean): void {
    if (this.#given.length === 0) return;
    const chosen = choice % this.#given.length;
    // One reactor keeps, and what it gives to the log stays in order.
    const first = this.#given.findIndex(({ stretch }) => stretch.isKept);
    const [write] = this.#given.splice(this.#given[chosen]!.stretch.isKept ? first : chosen, 1) as [Write];
    if (isLost) {
      for (const id of write.ids) this.#lost.add(id);
      return this.places.lost(write.stretch, write.ids.length);
    }
    write.base = this.#log.length;
    this.#log.push(...write.ids);
    this.#written.push(write);
  }

  answer(choice: number): void {
    if (this.#written.length === 0) return;
    const [{ stretch, base, ids }] = this.#written.splice(choice % this.#written.length, 1) as [Write];
    this.#end = Math.max(this.#end, base + ids.length);
    this.places.arrived(stretch, base, ids.length);
  }

  /** As backlog.ts does: the disk may give more than is known here. */
  read(count: number): void {
    const { places } = this;
    this.#passFences();
    if (places.isKeeping || places.readTo >= this.#end) return;
    const to = Math.min(this.#log.length, places.readTo + count);
    const ids: number[] = [];
    const place = { upTo: 0 };
    for (let at = places.readTo; at < to; ) {
      const stop = Math.min(to, at < places.readTo ? places.readTo : places.stop);
      assert.ok(stop > at, 'it goes on');
      const isHanded = at >= places.readTo;
      if (isHanded) {
        ids.push(...this.#log.slice(at, stop));
        this.#handed.push(...this.#log.slice(at, stop));
        place.upTo = places.read(stop);
      }
      at = stop;
      this.#passFences();
    }
    if (ids.length > 0) this.#queue.push({ ids, place });
  }

  acknowledge(): void {
    const batch = this.#queue.shift();
    if (batch === undefined) return;
    for (const id of batch.ids) this.#there.add(id);
    this.#acked = Math.max(this.#acked, Math.min(batch.place.upTo, this.#end));
    for (const id of this.#log.slice(0, this.#acked))
      assert.ok(this.#there.has(id), `${id} goes from the disk, and is not there`);
  }

  end(): void {
    while (this.#given.length > 0) this.write(0, false);
    while (this.#written.length > 0) this.answer(0);
    this.read(Number.MAX_SAFE_INTEGER);
    this.#passFences();
    assert.not(this.places.hasFences, 'all fences have come');
    const due = Array.from({ length: this.#nextId }, (_, id) => id).filter((id) => !this.#kept.has(id) && !this.#lost.has(id));
    assert.equal(
      [...this.#handed].sort((a, b) => a - b),
      due,
      'each once',
    );
    while (this.#queue.length > 0) this.acknowledge();
    assert.is(this.#acked, this.#handed.length > 0 ? this.#log.length : this.#acked);
  }

  #passFences(): void {
    for (let name = this.places.passFence(); name !== undefined; name = this.places.passFence()) {
      const fence = Number(Buffer.from(name));
      for (let id = 0; id < this.#before[fence]!; id++)
        assert.ok(this.#handed.includes(id) || this.#kept.has(id) || this.#lost.has(id), `${id} was given before fence ${fence}`);
    }
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('give' as const), n: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constantFrom('keep' as const, 'write' as const, 'answer' as const), n: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constantFrom('fence' as const, 'lose' as const, 'acknowledge' as const), n: fc.constant(0) }),
  fc.record({ do: fc.constant('read' as const), n: fc.integer({ min: 1, max: 9 }) }),
);

test('whatever the log makes of it, nothing is missing, twice, or behind its fence', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model();
      for (const { do: what, n } of steps) {
        if (what === 'give') model.give(n, false);
        else if (what === 'keep') model.give(n, true);
        else if (what === 'write') model.write(n, false);
        else if (what === 'lose') model.write(n, true);
        else if (what === 'answer') model.answer(n);
        else if (what === 'fence') model.fence();
        else if (what === 'read') model.read(n);
        else model.acknowledge();
      }
      model.end();
    }),
    { numRuns: 3000 },
  );
});

test('what overtakes that which is kept is read, and that is not', () => {
  const places = new BacklogPlaces(0, 0);
  const kept = places.keep();
  places.given(kept, 3);
  const other = places.current;
  places.given(other, 1);
  places.arrived(other, 0, 1);
  assert.ok(places.isKeeping, 'nobody knows yet which of them lies where');
  places.arrived(kept, 1, 3);
  assert.equal([places.isKeeping, places.readTo, places.stop, kept.place.upTo], [false, 0, 1, 0]);
  assert.is(places.read(1), 4, 'with what is kept behind it');
});

test('a fence waits for what was given before it, wherever that comes to lie', () => {
  const places = new BacklogPlaces(0, 0);
  const before = places.current;
  places.given(before, 1);
  places.fence(fenceName(1));
  const behind = places.current;
  places.given(behind, 1);
  places.arrived(behind, 0, 1);
  places.read(1);
  assert.is(places.passFence(), undefined);
  places.arrived(before, 1, 1);
  assert.is(places.passFence(), undefined);
  places.read(2);
  assert.equal(places.passFence(), fenceName(1));
});

test('what is kept behind all that was read goes when its own batch is acknowledged', () => {
  const places = new BacklogPlaces(5, 5);
  const first = places.keep();
  places.given(first, 2);
  const second = places.keep();
  places.given(second, 1);
  places.arrived(first, 5, 2);
  assert.equal([first.place.upTo, places.readTo, places.isKeeping], [7, 7, true]);
  places.arrived(second, 7, 1);
  assert.equal([second.place.upTo, places.readTo, places.isKeeping], [8, 8, false]);
});

test.run();
