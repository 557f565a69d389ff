import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../src/base/errors.ts';
import type { RemoteNodes } from '../../src/runtime/remote-nodes.ts';
import { InboundTable } from '../../src/wire/inbound-table.ts';
import type { Hello } from '../../src/wire/schema-types.ts';

const test = suite('inbound table');

interface Rig {
  readonly table: InboundTable;
  /** What was lost, as `node.thread`. */
  readonly lost: string[];
  readonly cut: string[];
  join(name: string, changes?: Partial<Hello>): { cut(): void };
}

const HELLO: Hello = {
  cluster: 'c',
  node: 1,
  target: 2,
  incarnation: 10,
  thread: 1,
  epoch: 1,
  lane: 0,
  gap: false,
  roles: '',
  address: '',
  nonce: new Uint8Array(32),
  schemas: new Uint8Array(0),
};

function makeRig(): Rig {
  const lost: string[] = [];
  const cut: string[] = [];
  const table = new InboundTable({
    inboundLost: (node: number, thread: number) => lost.push(`${node}.${thread}`),
  } as unknown as RemoteNodes);
  const join = (name: string, changes: Partial<Hello> = {}): { cut(): void } => {
    const connection = { cut: () => cut.push(name) };
    const hello = { ...HELLO, ...changes };
    table.admit(hello);
    table.join(hello, connection);
    return connection;
  };
  return { table, lost, cut, join };
}

function isReplay(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    return (error as SluiceError).code === 'SLUICE_WIRE_REPLAYED';
  }
}

test('the lanes of a link belong together: when one goes, all go, and the loss is told once', () => {
  const { table, lost, cut, join } = makeRig();
  const first = join('a0');
  join('a1', { lane: 1 });
  assert.equal(lost, []);
  table.leave(HELLO, first);
  assert.equal(cut, ['a0', 'a1']);
  table.leave(HELLO, first);
  assert.equal(lost, ['1.1']);
});

test('a new link ends the one before it, first', () => {
  const { lost, cut, join } = makeRig();
  join('old');
  join('new', { epoch: 2 });
  assert.equal(cut, ['old']);
  assert.equal(lost, ['1.1']);
});

test('the late end of an old connection does not touch the new link', () => {
  const { table, lost, join } = makeRig();
  const old = join('old');
  join('new', { epoch: 2 });
  table.leave(HELLO, old);
  assert.equal(lost, ['1.1']);
});

test('what a link could not deliver is told, although no link stood', () => {
  const { table, lost, join } = makeRig();
  const first = join('a');
  table.leave(HELLO, first);
  join('b', { epoch: 2, gap: true });
  assert.equal(lost, ['1.1', '1.1']);
  join('other thread', { thread: 2 });
  assert.equal(lost, ['1.1', '1.1']);
});

test('a process that came back ends everything of its former life, all threads of it', () => {
  const { lost, cut, join } = makeRig();
  join('a', { thread: 1 });
  join('b', { thread: 2 });
  join('other node', { node: 3 });
  join('c', { thread: 1, incarnation: 11 });
  assert.equal(cut.sort(), ['a', 'b']);
  assert.equal(lost.sort(), ['1.1', '1.2']);
});

test('a hello is good once', () => {
  const { table, join } = makeRig();
  const first = join('a', { epoch: 5 });
  assert.ok(isReplay(() => join('same lane again', { epoch: 5 })));
  assert.ok(isReplay(() => join('older', { epoch: 4, lane: 1 })));
  assert.ok(isReplay(() => join('former life', { incarnation: 9, epoch: 99 })));
  table.leave({ ...HELLO, epoch: 5 }, first);
  assert.ok(isReplay(() => join('after the end', { epoch: 5, lane: 1 })));
  join('next', { epoch: 6 });
});

test.run();
