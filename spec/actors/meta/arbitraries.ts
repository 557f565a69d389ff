/** Commands to try: few keys and leases, so that they meet. */
import fc from 'fast-check';
import type { Claim, Compare, MetaCommand, Put, TxnOp } from '../../../src/actors/meta/command.ts';

export const KEYS: readonly string[] = ['a', 'a/1', 'a/2', 'b', 'b\xff', 'c', '\xff'];

export const key: fc.Arbitrary<string> = fc.constantFrom(...KEYS);
const edge = fc.constantFrom('', ...KEYS);
export const value: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 6 });
const lease = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 }));
const strict = { noNullPrototype: true } as const;

export const put: fc.Arbitrary<Put> = fc.record({ key, value, lease }, strict);

export const claim: fc.Arbitrary<Claim> = fc
  .record({ key, expected: fc.integer({ min: -1, max: 12 }), value: fc.option(value, { nil: undefined }), lease }, strict)
  .map((made) => (made.value === undefined ? { ...made, lease: 0 } : made));

const relation = fc.constantFrom('=' as const, '!=' as const, '<' as const, '>' as const);
export const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record(
    {
      key,
      target: fc.constantFrom('created' as const, 'modified' as const, 'version' as const, 'lease' as const),
      relation,
      operand: fc.nat(8),
    },
    strict,
  ),
  fc.record({ key, target: fc.constant('value' as const), relation, operand: value }, strict),
);

export const op: fc.Arbitrary<TxnOp> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), put }, strict),
  fc.record({ type: fc.constant('delete' as const), key }, strict),
  fc.record({ type: fc.constant('deleteRange' as const), from: edge, to: edge }, strict),
  fc.record({ type: fc.constant('get' as const), key }, strict),
  fc.record({ type: fc.constant('range' as const), from: edge, to: edge, limit: fc.nat(4) }, strict),
);

const ids = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });

export const command: fc.Arbitrary<MetaCommand> = fc.oneof(
  fc.record(
    {
      type: fc.constant('write' as const),
      puts: fc.array(put, { maxLength: 4 }),
      deletes: fc.array(key, { maxLength: 2 }),
    },
    strict,
  ),
  fc.record(
    { type: fc.constant('claim' as const), claims: fc.array(claim, { maxLength: 4 }), wantsBefore: fc.boolean() },
    strict,
  ),
  fc.record(
    {
      type: fc.constant('txn' as const),
      compares: fc.array(compare, { maxLength: 2 }),
      success: fc.array(op, { maxLength: 5 }),
      failure: fc.array(op, { maxLength: 5 }),
    },
    strict,
  ),
  fc.record({ type: fc.constant('grant' as const), id: fc.nat(3), ttlMs: fc.constantFrom(10, 1000, 60_000) }, strict),
  fc.record({ type: fc.constant('revoke' as const), ids }, strict),
  fc.record(
    {
      type: fc.constant('expire' as const),
      term: fc.integer({ min: 1, max: 2 }),
      leases: fc.array(fc.record({ id: fc.nat(4), grant: fc.nat(4) }, strict), { maxLength: 3 }),
    },
    strict,
  ),
);
