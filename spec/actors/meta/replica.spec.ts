/** What is kept in rows: a state and the entry it is as of, whatever happens in between; and a snapshot holds exactly the same keys, wherever their values lie. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeCommand } from '../../../src/actors/meta/codec/command-codec.ts';
import { decodeReply } from '../../../src/actors/meta/codec/reply-codec.ts';
import type { MetaCommand, MetaReply } from '../../../src/actors/meta/command.ts';
import type { MetaReplica } from '../../../src/actors/meta/replica.ts';
import { MetaReplicas } from '../../../src/actors/meta/replicas.ts';
import { recordKey } from '../../../src/actors/meta/rows/rows.ts';
import { DEFAULT_BOUNDS } from '../../../src/actors/meta/state/bounds.ts';
import { NO_MEMBERSHIP } from '../../../src/actors/raft/membership.ts';
import { type Command, encodeCommands } from '../../../src/actors/raft/sessions/command-codec.ts';
import type { CommandReply } from '../../../src/actors/raft/sessions/session-machine.ts';
import { META_DIRTY_CHANGES_MAX, META_REBUILD_KEYS } from '../../../src/base/limits.ts';
import type { KvOp, LocalKv } from '../../../src/storage/kv/local-kv.ts';
import { MemoryKv } from '../../../src/storage/kv/memory-kv.ts';
import { opsOf, type PackedOps } from '../../../src/storage/kv/packed-ops.ts';
import { command } from './arbitraries.ts';
import { Model, type ModelState, plain, plainRecord, shown } from './model.ts';

const test = suite('meta replica');

const GROUP = 5;
const OWNER = 77;

const optionsOf = (hotBytesMax: number, owner = OWNER) => ({
  owner,
  bounds: DEFAULT_BOUNDS,
  sessionsMax: 10,
  sessionTtlMs: 60_000,
  hotBytesMax,
});

function failed(error: Error): void {
  throw error;
}

function open(kv: LocalKv, hotBytesMax = 1 << 20, owner = OWNER): Promise<MetaReplicas> {
  return MetaReplicas.open(kv, optionsOf(hotBytesMax, owner), failed);
}

function apply(replica: MetaReplica, timeMs: number, ...commands: readonly Command[]): Promise<CommandReply[]> {
  const entry = { term: 1, index: replica.appliedIndex + 1, kind: 0 as const, data: encodeCommands({ timeMs, commands }) };
  return new Promise((resolve) => replica.apply([entry], ([reply]) => resolve(reply as CommandReply[])));
}

async function run(replica: MetaReplica, each: MetaCommand): Promise<MetaReply> {
  const [reply] = await apply(replica, 1, { type: 'plain', bytes: encodeCommand(each) });
  assert.is(reply!.status, 'done');
  return decodeReply((reply as { reply: Uint8Array }).reply);
}

const put = (key: string, value: Uint8Array, lease = 0): MetaCommand => ({
  type: 'write',
  puts: [{ key, value, lease }],
  deletes: [],
});

/** Until the rows are as of the last entry. */
async function kept(replica: MetaReplica): Promise<void> {
  while (replica.keptIndex < replica.appliedIndex) {
    replica.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** All of it, with the values that are in the store alone. */
async function stateOf(replica: MetaReplica): Promise<unknown[]> {
  const { keyspace } = replica.machine;
  for (;;) {
    const cold = [...keyspace.range('', '')].filter(({ value }) => value === undefined).map(({ key }) => key);
    if (cold.length === 0) return [...keyspace.range('', '')].map(plainRecord);
    await new Promise<void>((resolve) => replica.warm(cold, resolve));
  }
}

function stateOfModel(state: ModelState): unknown[] {
  return [...state].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, record]) => shown(key, record));
}

function leasesOf({ machine }: MetaReplica): unknown[] {
  return machine.leases.all().map(({ id, ttlMs, grant }) => ({ id, ttlMs, grant, keys: machine.leases.keysOf(id) }));
}

function read(replica: MetaReplica, chunkBytes: number): Promise<Uint8Array> {
  const reader = replica.snapshot();
  const parts: Uint8Array[] = [];
  return new Promise((resolve) => {
    const next = (): void =>
      reader.read(chunkBytes, (bytes, isLast) => {
        parts.push(bytes);
        if (!isLast) return next();
        reader.close();
        resolve(Buffer.concat(parts));
      });
    next();
  });
}

function install(replica: MetaReplica, index: number, bytes: Uint8Array, partBytes = 100): Promise<void> {
  let at = 0;
  const meta = { index, term: 1, membership: NO_MEMBERSHIP };
  return new Promise((resolve) =>
    replica.restore(
      meta,
      {
        read: (bytesMax, done) => {
          const part = bytes.subarray(at, at + Math.min(bytesMax, partBytes));
          at += part.length;
          done(part, at === bytes.length);
        },
        close: () => {},
      },
      resolve,
    ),
  );
}

test('does what the model does with hardly a value in memory, over restarts anywhere, and from snapshots', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ each: command, next: fc.constantFrom('go on', 'flush', 'restart', 'snapshot') }), { maxLength: 30 }),
      async (steps) => {
        const kv = new MemoryKv();
        const model = new Model();
        let replica = (await open(kv, 4)).open(GROUP);
        const log: MetaCommand[] = [];
        for (const { each, next } of steps) {
          assert.equal(plain(await run(replica, each)), model.do(each));
          log.push(each);
          if (next === 'flush') await kept(replica);
          if (next === 'restart') {
            // What had not reached the rows comes from the log again.
            replica = (await open(kv, 4)).open(GROUP);
            for (const again of log.slice(replica.appliedIndex)) await run(replica, again);
          }
          if (next === 'snapshot') {
            const bytes = await read(replica, 50);
            const other = (await open(new MemoryKv(), 4)).open(GROUP);
            await run(other, put('of another life', Uint8Array.of(1)));
            await install(other, replica.appliedIndex, bytes);
            assert.equal(await stateOf(other), stateOfModel(model.now));
            assert.equal(leasesOf(other), leasesOf(replica));
          }
          assert.is(replica.appliedIndex, log.length);
        }
        assert.equal(await stateOf(replica), stateOfModel(model.now));
      },
    ),
    { numRuns: 150 },
  );
});

test('rows and the entry they are as of change together', async () => {
  const kv = new MemoryKv();
  const replica = (await open(kv)).open(GROUP);
  await run(replica, put('a', Uint8Array.of(1)));
  await kept(replica);
  await run(replica, put('a', Uint8Array.of(2)));
  // Not flushed: the process dies.
  const next = (await open(kv)).open(GROUP);
  assert.is(next.appliedIndex, 1);
  assert.equal([...next.machine.keyspace.get('a')!.value!], [1]);
  assert.is(next.machine.revision, 1);
  await run(next, put('a', Uint8Array.of(2)));
  assert.is(next.machine.keyspace.get('a')!.version, 2);
});

test('sessions are kept as well, and in the order of their use', async () => {
  const kv = new MemoryKv();
  const replica = (await open(kv)).open(GROUP);
  const sessions: number[] = [];
  for (let i = 0; i < 10; i++) {
    const [opened] = await apply(replica, 5, { type: 'open' });
    sessions.push((opened as { session: number }).session);
  }
  const add = (session: number, seq: number, value: number): Command => ({
    type: 'session',
    session,
    seq,
    answeredTo: 0,
    bytes: encodeCommand(put('k', Uint8Array.of(value))),
  });
  // The first one is used again, at the same time as all others.
  const first = await apply(replica, 5, add(sessions[0]!, 1, 1));
  await kept(replica);
  const next = (await open(kv)).open(GROUP);
  assert.equal(await apply(next, 5, add(sessions[0]!, 1, 9)), first, 'what comes again is answered again');
  assert.equal([...next.machine.keyspace.get('k')!.value!], [1], 'and not done again');
  // One more than there may be: the one used longest ago ends, which is the second.
  await apply(next, 5, { type: 'open' });
  assert.equal(await apply(next, 5, add(sessions[1]!, 1, 2)), [{ status: 'expired' }]);
  assert.is((await apply(next, 5, add(sessions[2]!, 1, 3)))[0]!.status, 'done');
});

test('a snapshot takes the place of all rows; one that was interrupted leaves none', async () => {
  const source = (await open(new MemoryKv())).open(GROUP);
  for (let i = 0; i < 50; i++) await run(source, put(`new${i}`, Uint8Array.of(i)));
  const bytes = await read(source, 1000);
  const kv = new MemoryKv();
  const replica = (await open(kv)).open(GROUP);
  for (let i = 0; i < 20; i++) await run(replica, put(`old${i}`, Uint8Array.of(i)));
  await kept(replica);
  await install(replica, source.appliedIndex, bytes);
  await kept(replica);
  const again = (await open(kv)).open(GROUP);
  assert.is(again.appliedIndex, 50);
  assert.equal(await stateOf(again), await stateOf(source));
  // The head goes first: as if the process had died before the last part.
  const headless = new MemoryKv();
  const other = (await open(headless)).open(GROUP);
  await run(other, put('k', Uint8Array.of(1)));
  await kept(other);
  await headless.batch([{ type: 'delete', key: Uint8Array.of(0x6d, 0, 0, 0, GROUP, 0) }], { sync: false });
  assert.is((await open(headless)).open(GROUP).appliedIndex, 0);
  assert.is(await headless.get(recordKey(GROUP, 'k')), undefined, 'the rest is swept');
});

/** A store that a loss of power takes back to its last sync, and that may keep a batch waiting. */
class ForgetfulKv extends MemoryKv {
  readonly durable = new MemoryKv();
  #unsynced: KvOp[] = [];
  isSlow = false;
  #held: (() => void)[] = [];

  override async batch(ops: readonly KvOp[] | PackedOps, options: { readonly sync: boolean }): Promise<void> {
    if (this.isSlow) await new Promise<void>((resolve) => this.#held.push(resolve));
    await super.batch(ops, options);
    this.#unsynced.push(...opsOf(ops));
    if (options.sync) await this.durable.batch(this.#unsynced.splice(0), options);
  }

  goOn(): void {
    this.isSlow = false;
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

function checkpoint(replica: MetaReplica): Promise<void> {
  return new Promise((resolve) => replica.checkpoint!(resolve));
}

/** A snapshot that comes part by part, as one in a file does: other things happen in between. */
async function installSlowly(
  replica: MetaReplica,
  index: number,
  bytes: Uint8Array,
  between: () => Promise<void>,
): Promise<void> {
  let at = 0;
  await new Promise<void>((resolve, reject) =>
    replica.restore(
      { index, term: 1, membership: NO_MEMBERSHIP },
      {
        read: (bytesMax, done) => {
          const part = bytes.subarray(at, at + Math.min(bytesMax, 2000));
          at += part.length;
          between().then(() => setImmediate(done, part, at === bytes.length), reject);
        },
        close: () => {},
      },
      resolve,
    ),
  );
}

test('while a snapshot takes the place of the state nothing of it is written, and no value leaves memory', async () => {
  const source = (await open(new MemoryKv())).open(GROUP);
  for (let i = 0; i < 100; i++) await run(source, put(`k${i % 70}`, new Uint8Array(500).fill(i)));
  const bytes = await read(source, 1000);
  const kv = new ForgetfulKv();
  const replica = (await open(kv, 1000)).open(GROUP);
  await run(replica, { type: 'grant', id: 0, ttlMs: 1000 });
  for (let i = 0; i < 60; i++) await run(replica, put(`old${i}`, new Uint8Array(500).fill(i)));
  // A batch is under way when it begins, and done before it ends; and there is more to write.
  kv.isSlow = true;
  replica.flush();
  await run(replica, put('old0', Uint8Array.of(1)));
  let looks = 0;
  await installSlowly(replica, source.appliedIndex, bytes, async () => {
    if (replica.machine.keyspace.size > 0) kv.goOn();
    replica.flush();
    const there = (await open(kv, 1000)).open(GROUP);
    if (there.appliedIndex === 0) return;
    const { revision, keyspace, leases } = there.machine;
    assert.equal([there.appliedIndex, revision, keyspace.size, leases.size], [61, 60, 60, 1]);
    looks++;
  });
  assert.ok(looks > 0, 'the batch was done meanwhile');
  await kept(replica);
  assert.ok(replica.machine.keyspace.hotBytes <= 1000);
  const again = (await open(kv, 1000)).open(GROUP);
  assert.is(again.appliedIndex, 100);
  assert.equal(await stateOf(again), await stateOf(source));
  assert.equal(await stateOf(replica), await stateOf(source));
});

test('what was applied before a checkpoint is there after a loss of power', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ each: command, next: fc.constantFrom('go on', 'flush', 'checkpoint') }), { maxLength: 20 }),
      async (steps) => {
        const kv = new ForgetfulKv();
        const replica = (await open(kv, 4)).open(GROUP);
        let index = 0;
        let state: unknown[] = [];
        for (const { each, next } of steps) {
          await run(replica, each);
          if (next === 'flush') await kept(replica);
          if (next !== 'checkpoint') continue;
          await checkpoint(replica);
          index = replica.appliedIndex;
          state = await stateOf(replica);
        }
        const survivor = (await open(kv.durable, 4)).open(GROUP);
        assert.is(survivor.appliedIndex, index);
        assert.equal(await stateOf(survivor), state);
      },
    ),
    { numRuns: 100 },
  );
});

test('a checkpoint of a state that is written anew waits for all of it', async () => {
  const source = (await open(new MemoryKv())).open(GROUP);
  for (let i = 0; i < META_REBUILD_KEYS * 2; i += 1000) {
    const puts = Array.from({ length: 1000 }, (_, j) => ({ key: `k${i + j}`, value: Uint8Array.of(1), lease: 0 }));
    await run(source, { type: 'write', puts, deletes: [] });
  }
  const kv = new ForgetfulKv();
  const replica = (await open(kv)).open(GROUP);
  await run(replica, put('before', Uint8Array.of(1)));
  kv.isSlow = true;
  await install(replica, source.appliedIndex, await read(source, 100_000), 100_000);
  const done = checkpoint(replica);
  await run(replica, put('k0', Uint8Array.of(2)));
  kv.goOn();
  await done;
  const survivor = (await open(kv.durable)).open(GROUP);
  assert.equal(await stateOf(survivor), await stateOf(replica));
  assert.is(survivor.appliedIndex, replica.appliedIndex);
});

test('what waits for a slow store is bounded by the keys, and the last change of each is the one that is kept', async () => {
  const kv = new ForgetfulKv();
  const replica = (await open(kv)).open(GROUP);
  kv.isSlow = true;
  const claims = Array.from({ length: 1000 }, (_, i) => ({ key: `k${i}`, expected: -1, value: Uint8Array.of(1), lease: 0 }));
  for (let i = 0; i < (2.5 * META_DIRTY_CHANGES_MAX) / 1000; i++) {
    await run(replica, { type: 'claim', claims, wantsBefore: false });
    replica.flush();
  }
  assert.ok(replica.waitingChanges <= META_DIRTY_CHANGES_MAX + 1000, `${replica.waitingChanges} wait`);
  await run(replica, { type: 'write', puts: [], deletes: ['k1'] });
  await run(replica, put('k2', Uint8Array.of(7)));
  const done = checkpoint(replica);
  kv.goOn();
  await done;
  const survivor = (await open(kv.durable)).open(GROUP);
  assert.equal(await stateOf(survivor), await stateOf(replica));
  assert.is(survivor.machine.keyspace.size, 999);
});

test('rows of a replica that has lost its log are void', async () => {
  const kv = new MemoryKv();
  const replica = (await open(kv)).open(GROUP);
  await run(replica, put('a', Uint8Array.of(1)));
  await kept(replica);
  const stranger = (await open(kv, 1 << 20, OWNER + 1)).open(GROUP);
  assert.is(stranger.appliedIndex, 0);
  assert.equal(await stateOf(stranger), []);
});

test('groups of one store do not touch each other', async () => {
  const kv = new MemoryKv();
  const replicas = await open(kv);
  const [one, two] = [replicas.open(1), replicas.open(2)];
  await run(one!, put('k', Uint8Array.of(1)));
  await run(two!, put('k', Uint8Array.of(2)));
  await Promise.all([kept(one!), kept(two!)]);
  const source = (await open(new MemoryKv())).open(1);
  await run(source, put('other', Uint8Array.of(9)));
  await install(one!, 5, await read(source, 1000));
  await kept(one!);
  const next = await open(kv);
  assert.equal([...next.open(2).machine.keyspace.get('k')!.value!], [2]);
  assert.is(next.open(1).machine.keyspace.get('k'), undefined);
});

test('values leave memory when there are too many, and come back when somebody looks', async () => {
  const replica = (await open(new MemoryKv(), 10_000)).open(GROUP);
  for (let i = 0; i < 100; i++) await run(replica, put(`k${i}`, new Uint8Array(1000).fill(i)));
  assert.is(replica.machine.keyspace.hotBytes, 100_000, 'nothing leaves that the store has not');
  await kept(replica);
  assert.ok(replica.machine.keyspace.hotBytes <= 10_000);
  const reply = await run(replica, {
    type: 'txn',
    compares: [{ key: 'k7', target: 'value', relation: '=', operand: new Uint8Array(1000).fill(7) }],
    success: [{ type: 'range', from: 'k', to: 'l', limit: 0 }],
    failure: [],
  });
  assert.ok(reply.type === 'txn' && reply.isSuccess);
  if (reply.type !== 'txn') return;
  const [page] = reply.results;
  assert.ok(page?.type === 'records' && page.records.length === 100);
  if (page?.type !== 'records') return;
  for (const { key, value } of page.records) assert.ok(Buffer.alloc(1000, Number(key.slice(1))).equals(value!));
});

test.run();
