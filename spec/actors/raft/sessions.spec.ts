import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Entry } from '../../../src/actors/raft/entry.ts';
import { NO_MEMBERSHIP } from '../../../src/actors/raft/membership.ts';
import { type Command, encodeCommands } from '../../../src/actors/raft/sessions/command-codec.ts';
import { type CommandReply, SessionMachine } from '../../../src/actors/raft/sessions/session-machine.ts';
import { SessionTable } from '../../../src/actors/raft/sessions/session-table.ts';
import { PieceParser, PieceReader } from '../../../src/actors/raft/snapshot/pieces.ts';
import type { SnapshotReader } from '../../../src/actors/raft/state-machine.ts';
import { encodeKv, Kv } from '../../sim/raft/kv.ts';

const test = suite('raft sessions');

class Replica {
  readonly kv = new Kv();
  readonly machine: SessionMachine;

  constructor(max = 100, ttlMs = 1000) {
    this.machine = new SessionMachine(this.kv, new SessionTable(max, ttlMs));
  }

  apply(timeMs: number, ...commands: readonly Command[]): CommandReply[] {
    const entry: Entry = { term: 1, index: this.machine.appliedIndex + 1, kind: 0, data: encodeCommands({ timeMs, commands }) };
    let replies: readonly unknown[] = [];
    this.machine.apply([entry], (answers) => {
      replies = answers;
    });
    return replies[0] as CommandReply[];
  }

  open(timeMs = 0): number {
    const [reply] = this.apply(timeMs, { type: 'open' });
    assert.is(reply!.status, 'opened');
    return (reply as { session: number }).session;
  }

  copy(): Replica {
    const copy = new Replica();
    const meta = { index: this.machine.appliedIndex, term: 1, membership: NO_MEMBERSHIP };
    copy.machine.restore(meta, this.machine.snapshot(), () => {});
    return copy;
  }
}

function add(session: number, seq: number, text: string, answeredTo = 0): Command {
  return { type: 'session', session, seq, answeredTo, bytes: encodeKv({ op: 'append', key: 'k', expected: '', value: text }) };
}

test('a command that comes again is answered again and not done again', () => {
  const replica = new Replica();
  const session = replica.open();
  const first = replica.apply(1, add(session, 1, 'a'));
  assert.equal(replica.apply(2, add(session, 1, 'a'), add(session, 2, 'b')).slice(0, 1), first);
  assert.equal(replica.apply(3, add(session, 1, 'a')), first);
  assert.is(replica.kv.get('k'), 'ab');
});

test('also by a replica that has it from a snapshot', () => {
  const replica = new Replica();
  const session = replica.open();
  const first = replica.apply(1, add(session, 1, 'a'));
  const copy = replica.copy();
  assert.equal(copy.apply(2, add(session, 1, 'a')), first);
  assert.is(copy.kv.get('k'), 'a');
  assert.is(copy.open(), replica.open(), 'and it numbers sessions alike');
});

test('what is answered is forgotten, and never done anew', () => {
  const replica = new Replica();
  const session = replica.open();
  replica.apply(1, add(session, 1, 'a'));
  replica.apply(2, add(session, 2, 'b', 2));
  assert.equal(replica.apply(3, add(session, 1, 'a')), [{ status: 'expired' }]);
  assert.is(replica.kv.get('k'), 'ab');
});

test('a session that was not used for long, by the time of the log, is refused for good', () => {
  const replica = new Replica(100, 1000);
  const [idle, busy] = [replica.open(0), replica.open(0)];
  replica.apply(900, add(busy, 1, 'x'));
  replica.apply(1500, { type: 'open' });
  assert.equal(
    replica.apply(1500, add(idle, 1, 'a'), add(busy, 2, 'y')).map(({ status }) => status),
    ['expired', 'done'],
  );
});

test('a leader whose clock is behind does not turn back the time of the log', () => {
  const replica = new Replica(100, 1000);
  const session = replica.open(10_000);
  replica.apply(5, { type: 'open' });
  assert.is(replica.apply(10_900, add(session, 1, 'a'))[0]!.status, 'done');
});

test('too many sessions: the one used longest ago goes', () => {
  const replica = new Replica(2);
  const [first, second] = [replica.open(), replica.open()];
  replica.apply(1, add(first, 1, 'a'));
  replica.open();
  assert.equal(
    replica.apply(2, add(first, 2, 'b'), add(second, 1, 'c')).map(({ status }) => status),
    ['done', 'expired'],
  );
});

test('replicas that were fed the same are the same, by the log or by a snapshot in between', () => {
  const command = fc.oneof(
    fc.constant<Command>({ type: 'open' }),
    fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }), fc.nat(3))
      .map(([session, seq, back]) => add(session, seq, `${seq}`, Math.max(0, seq - back))),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3000), command), { maxLength: 40 }), fc.nat(40), (commands, at) => {
      const replica = new Replica();
      let copy: Replica | undefined;
      for (const [i, [timeMs, one]] of commands.entries()) {
        if (i === at) copy = replica.copy();
        const replies = replica.apply(timeMs, one);
        if (copy !== undefined) assert.equal(copy.apply(timeMs, one), replies);
      }
      if (copy !== undefined) assert.is(copy.kv.picture(), replica.kv.picture());
    }),
  );
});

test('pieces arrive whole, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 60 }),
      (pieces, chunkBytes) => {
        const reader: SnapshotReader = new PieceReader(pieces[Symbol.iterator]());
        const got: Uint8Array[] = [];
        const parser = new PieceParser((piece) => got.push(piece));
        for (let isLast = false; !isLast; ) {
          reader.read(chunkBytes, (bytes, last) => {
            assert.ok(bytes.length <= chunkBytes);
            parser.write(bytes);
            isLast = last;
          });
        }
        parser.end();
        assert.equal(got, pieces);
      },
    ),
  );
});

test('a stream that ends within a piece is not taken for a snapshot', () => {
  const parser = new PieceParser(() => {});
  parser.write(new Uint8Array([0, 0, 0, 5, 1, 2]));
  assert.throws(() => parser.end(), /ends early/);
});

test.run();
