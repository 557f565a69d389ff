import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { REGEX_PATTERN_CHARS_MAX, REGEX_TEXT_CHARS_MAX } from '../../src/base/limits.ts';
import { LinearRegex, RegexError } from '../../src/base/linear-regex.ts';

const test = suite('linear-regex');

const atom = fc.constantFrom('a', 'b', '/', '.', '[ab]', '[^/]', '[a-c/]', '\\d', '\\w', '\\.', '1', 'é', '😀');
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,3}', '{2,}');
/** Patterns; a group that may be empty is not repeated where `strict`. */
function patterns(strict: boolean): fc.Arbitrary<string> {
  return fc.letrec<{ pattern: string; sequence: string; piece: string }>((tie) => ({
    pattern: fc.oneof(
      { maxDepth: 3 },
      tie('sequence'),
      fc.tuple(tie('sequence'), tie('sequence')).map(([one, other]) => `${one}|${other}`),
    ),
    sequence: fc.array(tie('piece'), { maxLength: 3 }).map((pieces) => pieces.join('')),
    piece: fc.oneof(
      { maxDepth: 3 },
      fc.tuple(atom, quantifier).map(([one, times]) => one + times),
      fc.tuple(tie('pattern'), quantifier, fc.boolean()).map(([inner, times, kept]) => {
        const isRepeated = !strict || !new RegExp(`^(?:${inner})$`, 'u').test('');
        return `(${kept ? '' : '?:'}${inner})${isRepeated ? times : ''}`;
      }),
    ),
  })).pattern;
}

/** Undefined for one that is too large. */
function compiled(source: string): LinearRegex | undefined {
  try {
    return new LinearRegex(source);
  } catch (error) {
    if (error instanceof RegexError && /too large|characters/.test(error.message)) return undefined;
    throw error;
  }
}

const text = fc.array(fc.constantFrom('a', 'b', 'c', '/', '1', 'é', '😀', '.'), { maxLength: 12 }).map((all) => all.join(''));

test('finds what RegExp finds, and the same groups', () => {
  fc.assert(
    fc.property(patterns(true), fc.boolean(), fc.boolean(), text, (inner, starts, ends, subject) => {
      const source = `${starts ? '^' : ''}(?:${inner})${ends ? '$' : ''}`;
      const regex = compiled(source);
      fc.pre(regex !== undefined);
      const oracle = new RegExp(source, 'u').exec(subject);
      const found = regex.exec(subject);
      assert.is(found?.[0], oracle?.[0], `${source} on ${subject}`);
      if (oracle === null || found === null) return;
      // RegExp forgets the groups of all iterations but the last, as nothing else does: compared where no group is repeated.
      if (!/\)[*+?{]/.test(source)) assert.equal([...found], [...oracle], `${source} on ${subject}`);
    }),
    { numRuns: 2000 },
  );
});

test('accepts what RegExp accepts, whatever is repeated', () => {
  fc.assert(
    fc.property(patterns(false), text, (inner, subject) => {
      const source = `^(?:${inner})$`;
      const regex = compiled(source);
      fc.pre(regex !== undefined);
      assert.is(regex.test(subject), new RegExp(source, 'u').test(subject), `${source} on ${subject}`);
    }),
    { numRuns: 2000 },
  );
});

test('the patterns of real rules', () => {
  assert.equal(new LinearRegex('^x/y/(.+)$').exec('x/y/1/2'), ['x/y/1/2', '1/2']);
  assert.equal(new LinearRegex('^(\\w+)/([^/]+)/(.*)$').exec('a/b c/d/e'), ['a/b c/d/e', 'a', 'b c', 'd/e']);
  assert.equal(new LinearRegex('^/p/([0-9]{2,4})(?:/|$)').exec('/p/123'), ['/p/123', '123']);
  assert.equal(new LinearRegex('^(a)?b$').exec('b'), ['b', undefined]);
  assert.is(new LinearRegex('^x$').exec('x/y'), null);
});

test('what makes others run for ever costs a step per character and instruction', () => {
  const steps = 'a'.repeat(REGEX_TEXT_CHARS_MAX - 1);
  for (const source of ['^(a+)+$', '^(a|a)*$', '^(a*)*$', '^(.*)(.*)(.*)(.*)(.*)x$', '^(a?){64}a{64}$'])
    assert.is(new LinearRegex(source).exec(`${steps}!`), null, source);
  assert.is(new LinearRegex('a').exec(`${steps}aa`), null, 'a text beyond the bound');
});

test('patterns that are refused, and why', () => {
  for (const [source, why] of [
    ['(a', '('],
    ['a)', ')'],
    ['[a', '['],
    ['*a', 'repeats nothing'],
    ['a**', 'repetition of a repetition'],
    ['(?=a)', 'look-around'],
    ['(?<name>a)', 'named'],
    ['(a)\\1', '\\1'],
    ['\\bx', '\\b'],
    ['[b-a]', 'range'],
    ['a{2,1}', 'more than at most'],
    ['a{65}', 'repetitions'],
    ['a\\', 'end'],
    ['((((a{64}){64}){64}){64})', 'too large'],
    ['a'.repeat(REGEX_PATTERN_CHARS_MAX + 1), 'characters'],
  ] as const) {
    assert.throws(
      () => new LinearRegex(source),
      (error: unknown) => error instanceof RegexError && error.message.includes(why),
      source,
    );
  }
});

test.run();
