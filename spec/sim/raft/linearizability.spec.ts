import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkByKey, checkLinearizable, type Model, type Operation } from './linearizability.ts';

const test = suite('linearizability checker');

type Input = { readonly key: string; readonly write?: number };
/** A register: a write answers undefined, a read what it saw. */
const REGISTER: Model<number, Input, number | undefined> = {
  initial: 0,
  step(state, { write }, output) {
    if (write !== undefined) return write;
    return output === state ? state : undefined;
  },
};

type Op = Operation<Input, number | undefined>;
const write = (value: number, callMs: number, returnMs: number, key = 'x'): Op => ({
  input: { key, write: value },
  output: undefined,
  callMs,
  returnMs,
});
const read = (value: number, callMs: number, returnMs: number, key = 'x'): Op => ({
  input: { key },
  output: value,
  callMs,
  returnMs,
});

const GOOD: Readonly<Record<string, readonly Op[]>> = {
  nothing: [],
  'one after the other': [write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7)],
  'a read beside a write may see either': [write(1, 0, 10), read(0, 1, 2), read(1, 3, 4)],
  'writes at once, in one order for all': [write(1, 0, 10), write(2, 0, 10), read(2, 11, 12), read(2, 13, 14)],
  'intervals include their ends': [write(1, 0, 5), read(0, 5, 6)],
  'what nobody saw end may happen late': [write(1, 0, Number.POSITIVE_INFINITY), read(0, 5, 6), read(1, 7, 8)],
};

const BAD: Readonly<Record<string, readonly Op[]>> = {
  'a stale read': [write(1, 0, 1), read(0, 2, 3)],
  'a read from nowhere': [write(1, 0, 1), read(7, 2, 3)],
  'back in time': [write(1, 0, 10), read(1, 1, 2), read(0, 3, 4)],
  'two orders of the same writes': [write(1, 0, 10), write(2, 0, 10), read(1, 11, 12), read(2, 13, 14)],
  'an effect before its cause': [read(1, 0, 1), write(1, 2, 3)],
  'a lost write': [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)],
};

for (const [what, history] of Object.entries(GOOD)) {
  test(`good: ${what}`, () => assert.is(checkLinearizable(REGISTER, history), 'ok'));
}
for (const [what, history] of Object.entries(BAD)) {
  test(`bad: ${what}`, () => assert.is(checkLinearizable(REGISTER, history), 'illegal'));
}

/** By the definition: some order of all of them that keeps to their times and to the register. */
function naive(history: readonly Op[]): boolean {
  const visit = (state: number, left: readonly Op[]): boolean => {
    if (left.length === 0) return true;
    const earliestMs = Math.min(...left.map(({ returnMs }) => returnMs));
    return left.some((op) => {
      if (op.callMs > earliestMs) return false;
      const after = REGISTER.step(state, op.input, op.output);
      return (
        after !== undefined &&
        visit(
          after,
          left.filter((other) => other !== op),
        )
      );
    });
  };
  return visit(0, history);
}

test('says the same as trying every order', () => {
  const op = fc
    .tuple(fc.boolean(), fc.nat(2), fc.nat(8), fc.nat(6))
    .map(([isWrite, value, callMs, took]) => (isWrite ? write : read)(value, callMs, callMs + took));
  fc.assert(
    fc.property(fc.array(op, { maxLength: 7 }), (history) => {
      assert.is(checkLinearizable(REGISTER, history), naive(history) ? 'ok' : 'illegal');
    }),
    { numRuns: 2000 },
  );
});

test('whatever a register really did is linearizable', () => {
  const op = fc.tuple(fc.boolean(), fc.nat(5), fc.nat(20), fc.nat(20));
  fc.assert(
    fc.property(fc.array(op, { maxLength: 120 }), (steps) => {
      let state = 0;
      const history = steps.map(([isWrite, value, before, after], i): Op => {
        if (isWrite) state = value;
        const atMs = 10 * i;
        return (isWrite ? write : read)(isWrite ? value : state, atMs - before, atMs + after);
      });
      assert.is(checkLinearizable(REGISTER, history), 'ok');
    }),
  );
});

test('keys are checked one by one, and one that is hard does not hide another that is wrong', () => {
  const hard = Array.from({ length: 14 }, (_, i) => [write(i, 0, 100, 'hard'), read(99, 0, 100, 'hard')]).flat();
  const { verdict, key } = checkByKey(REGISTER, [...hard, write(1, 0, 1, 'wrong'), read(0, 2, 3, 'wrong')], ({ key: of }) => of);
  assert.equal([verdict, key], ['illegal', 'wrong']);
});

test('what takes too long is said to be unknown, not fine', () => {
  const hard = Array.from({ length: 40 }, (_, i) => write(i, 0, 100));
  assert.is(checkLinearizable(REGISTER, [...hard, read(99, 0, 100)], 1000), 'unknown');
});

test.run();
