// What former homes give on to a session, however often they are not answered in time: each message once.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Furthers } from '../../../src/actors/homes/furthers.ts';
import { HOMES_FURTHERS_KEPT } from '../../../src/base/limits.ts';

const test = suite('what former homes give on');

test('whatever answers are lost and however late, messages come once, in order, and none is left out', () => {
  const step = fc.record({ adds: fc.nat(5), isLost: fc.boolean(), isLate: fc.boolean(), isRefused: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const furthers = new Furthers();
      const got: number[] = [];
      const late: (() => void)[] = [];
      let ackedTo = 0;
      let end = 0;
      const send = ({ isLost, isLate, isRefused }: (typeof steps)[number]): void => {
        const page = { offset: ackedTo, next: end };
        const give = (then: (isTaken: boolean) => void): void => {
          const done = (): void => {
            if (!isRefused) for (let i = page.offset; i < page.next; i++) got.push(i);
            then(!isRefused);
          };
          if (isLate) late.push(done);
          else done();
        };
        furthers.take('1/2/life', page, give, (taken) => {
          if (taken !== undefined && !isLost) ackedTo = Math.max(ackedTo, taken);
        });
      };
      for (const each of steps) {
        end += each.adds;
        if (end > ackedTo) send(each);
        if (!each.isLate) for (const done of late.splice(0)) done();
      }
      for (const done of late.splice(0)) done();
      while (ackedTo < end) send({ adds: 0, isLost: false, isLate: false, isRefused: false });
      assert.equal(
        got,
        Array.from({ length: end }, (_, i) => i),
      );
    }),
  );
});

test('those that were heard of last are remembered', () => {
  const furthers = new Furthers();
  const take = (key: string, offset: number): boolean => {
    let isNew = false;
    const give = (then: (isTaken: boolean) => void): void => {
      isNew = true;
      then(true);
    };
    furthers.take(key, { offset, next: offset + 1 }, give, () => {});
    return isNew;
  };
  for (let i = 0; i < HOMES_FURTHERS_KEPT; i++) assert.ok(take(String(i), 0));
  assert.not.ok(take('0', 0));
  assert.ok(take('one more', 0));
  assert.not.ok(take('0', 0));
  assert.ok(take('1', 0), 'that one has been forgotten');
});

test.run();
