import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WELL_KNOWN_SLOTS } from '../../src/base/limits.ts';
import { decodeMessage, encodeMessage } from '../../src/runtime/message-codec.ts';
import { placeKey } from '../../src/runtime/placement.ts';
import { formatRef, generationOf, makeRef, nodeOf, SLOT_MAX, slotOf, threadOf } from '../../src/runtime/ref.ts';
import { addRef, hasRef, type RefSet, refsOf, removeRef } from '../../src/runtime/ref-set.ts';
import { SimCluster } from '../../src/runtime/sim/cluster.ts';
import { ProbeActor, type Script } from './fixtures/probe-actor.ts';

const test = suite('addresses');

test('property: a ref holds its parts, and its slot survives int32 arithmetic', () => {
  const parts = fc.tuple(fc.nat(1023), fc.nat(63), fc.nat(2 ** 14 - 1), fc.nat(2 ** 22 - 1));
  fc.assert(
    fc.property(parts, ([node, thread, generation, slot]) => {
      const ref = makeRef<never>(node, thread, generation, slot);
      assert.equal([nodeOf(ref), threadOf(ref), generationOf(ref), slotOf(ref)], [node, thread, generation, slot]);
      assert.is(ref & SLOT_MAX, slot);
      if (ref !== 0) assert.is(formatRef(ref), `${node}.${thread}.${generation}.${slot}`);
    }),
  );
});

test('property: a ref set is a set', () => {
  const command = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 5 }));
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      let set: RefSet = null;
      const model = new Set<number>();
      for (const [add, ref] of commands) {
        set = add ? addRef(set, ref) : removeRef(set, ref);
        if (add) model.add(ref);
        else model.delete(ref);
        assert.equal([...refsOf(set)].sort(), [...model].sort());
        for (let i = 1; i <= 5; i++) assert.is(hasRef(set, i), model.has(i));
      }
    }),
  );
});

test('placement is stable, even, and moves only what it must', () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => `client-${i}`);
  for (const reactors of [1, 2, 7]) {
    const counts = new Array<number>(reactors + 2).fill(0);
    let moved = 0;
    for (const key of keys) {
      const before = placeKey(key, reactors);
      const after = placeKey(key, reactors + 1);
      counts[before]!++;
      if (before === after) continue;
      moved++;
      assert.is(after, reactors + 1, 'moves only to the new reactor');
    }
    const fair = keys.length / reactors;
    for (let thread = 1; thread <= reactors; thread++) assert.ok(Math.abs(counts[thread]! / fair - 1) < 0.1);
    assert.ok(Math.abs(moved / (keys.length / (reactors + 1)) - 1) < 0.1);
  }
  assert.equal(
    ['a', 'b', 'c', 'd'].map((key) => placeKey(key, 4)),
    ['a', 'b', 'c', 'd'].map((key) => placeKey(key, 4)),
  );
});

test('property: messages survive the way through bytes, also shared ones', () => {
  const memory = new Uint8Array(new SharedArrayBuffer(1 << 18));
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(100), (value, at) => {
      const { bytes, start, end } = encodeMessage({ value });
      memory.set(bytes.subarray(start, end), at);
      const decoded = decodeMessage(memory, at, at + end - start);
      memory.fill(0);
      assert.equal(JSON.stringify(decoded), JSON.stringify({ value }).replaceAll('"__proto__":', '"__proto_":'));
    }),
    { examples: [[JSON.parse('{"__proto__":{"polluted":true}}'), 0]] },
  );
  assert.is(({} as { polluted?: boolean }).polluted, undefined);
  const large = { text: 'x'.repeat(100_000), bytes: Uint8Array.of(1, 2, 3) };
  const { bytes, start, end } = encodeMessage(large);
  memory.set(bytes.subarray(start, end));
  assert.equal(decodeMessage(memory, 0, end - start), large);
});

test('slots are reused with new generations, incarnations begin with others', () => {
  const seen = new Set<number>();
  const cluster = new SimCluster({ threads: 1, seed: 1, boot: () => {} });
  const stop: Script = (ctx) => ctx.stop();
  for (let incarnation = 0; incarnation < 3; incarnation++) {
    const system = cluster.system(0);
    for (let i = 0; i < 50; i++) {
      const ref = system.spawn(() => new ProbeActor('a', []), { name: 'a' });
      assert.not(seen.has(ref), formatRef(ref));
      seen.add(ref);
      assert.ok(slotOf(ref) >= WELL_KNOWN_SLOTS && generationOf(ref) > 0);
      system.tell(ref, stop);
      cluster.run(cluster.nowMs + 1);
    }
    cluster.kill(0, 1);
    cluster.run(cluster.nowMs + 10);
  }
});

test.run();
