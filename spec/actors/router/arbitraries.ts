/** Topics and filters over few levels of few names, so that random ones meet: with empty levels, `$` and names that are prefixes of others. */
import fc from 'fast-check';

const level: fc.Arbitrary<string> = fc.constantFrom('', 'a', 'b', 'ab', 'a-b', 'é', '$x');

export const topicName: fc.Arbitrary<string> = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((name) => name.length > 0);

export const topicFilter: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: level }, { weight: 2, arbitrary: fc.constant('+') }), { maxLength: 4 }),
    fc.boolean(),
  )
  .map(([levels, multi]) => (multi ? [...levels, '#'] : levels).join('/'))
  .filter((filter) => filter.length > 0);
