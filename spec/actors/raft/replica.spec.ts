import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { incarnationOf, nodeOfReplica, replicaId } from '../../../src/actors/raft/replica.ts';

const test = suite('raft replica');

test('a replica is a node in one incarnation', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1023 }), fc.nat(2 ** 31 - 1), (node, incarnation) => {
      const id = replicaId(node, incarnation * 2 + 1);
      assert.equal([nodeOfReplica(id), incarnationOf(id)], [node, incarnation * 2 + 1]);
      assert.is.not(id, replicaId(node, incarnation * 2));
    }),
  );
});

test('nobody is number 0', () => {
  assert.throws(() => replicaId(0, 0), /out of range/);
  assert.throws(() => replicaId(1, 2 ** 32), /out of range/);
});

test.run();
