/** Who founds a cluster, and when nobody may: all words that members can have said, tried one against the other. */
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decideFounding, type MemberWord } from '../../../src/actors/cluster/founding-machine.ts';
import { replicaId } from '../../../src/actors/raft/replica.ts';

const test = suite('founding a cluster');

const MEMBERS = [1, 2, 3];

function word(node: number, more: Partial<MemberWord> = {}): MemberWord {
  return { node, replica: replicaId(node, 7), members: MEMBERS, groups: [1024], founded: false, ...more };
}

function others(...words: MemberWord[]): Map<number, MemberWord> {
  return new Map(words.map((one) => [one.node, one]));
}

test('the member with the lowest number founds when it has heard all, with the replicas that it has heard', () => {
  assert.equal(decideFounding(word(1), others(word(2, { replica: replicaId(2, 9) }), word(3))), {
    do: 'found',
    voters: [replicaId(1, 7), replicaId(2, 9), replicaId(3, 7)],
  });
  assert.is(decideFounding(word(2), others(word(1), word(3))).do, 'wait');
  assert.equal(decideFounding(word(1, { members: [1] }), others()), { do: 'found', voters: [replicaId(1, 7)] });
});

test('an empty disk founds nothing as long as anybody has not been heard, or when anybody has something', () => {
  assert.is(decideFounding(word(1), others()).do, 'wait');
  assert.is(decideFounding(word(1), others(word(2))).do, 'wait');
  assert.is(decideFounding(word(1), others(word(2), word(3, { founded: true }))).do, 'join');
  assert.is(decideFounding(word(1), others(word(3, { founded: true }))).do, 'join', 'it need not hear the others then');
  assert.is(decideFounding(word(1, { founded: true }), others()).do, 'join', 'who has something takes its place again');
});

test('members that are configured differently do not found together, and it says who differs', () => {
  const other = decideFounding(word(1), others(word(2), word(3, { members: [1, 2, 3, 4] })));
  assert.ok(other.do === 'wait' && /node 3 .*cluster\.meta/.test(other.why));
  const counts = decideFounding(word(1), others(word(2, { groups: [1024, 1025] }), word(3)));
  assert.ok(counts.do === 'wait' && /node 2 .*meta\.groups/.test(counts.why));
});

test('whoever knows what, at most one member founds, and none beside one that has something', () => {
  const known = fc.record({
    hears: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
    founded: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  });
  fc.assert(
    fc.property(known, ({ hears, founded }) => {
      const words = MEMBERS.map((node, i) => word(node, { founded: founded[i]! }));
      const decisions = words.map((self, i) =>
        decideFounding(self, others(...words.filter((_, j) => j !== i && hears[i * 3 + j]!))),
      );
      const founders = decisions.filter((decision) => decision.do === 'found');
      assert.ok(founders.length <= 1);
      if (founded.some(Boolean)) assert.is(founders.length, 0);
    }),
  );
});

test.run();
