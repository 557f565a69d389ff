import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryEngine } from '../../src/storage/engines/memory.ts';
import { cutoffMs, retainedFrom } from '../../src/storage/retention.ts';
import { Opened } from './engine-suite.ts';

const test = suite('retention');

test('nothing goes without a limit, and nothing that is within them', () => {
  const stat = { start: 10, next: 20, bytes: 1000 };
  assert.is(retainedFrom({}, stat, undefined), 10);
  assert.is(cutoffMs({}, 5000), undefined);
  assert.is(cutoffMs({ ageMsMax: 1000 }, 5000), 4000);
  assert.is(retainedFrom({ bytesMax: 1000, recordsMax: 10, ageMsMax: 1 }, stat, 10), 10);
});

test('each limit by itself, and the strictest of them', () => {
  const stat = { start: 100, next: 200, bytes: 1000 };
  assert.is(retainedFrom({ ageMsMax: 1 }, stat, 150), 150);
  assert.is(retainedFrom({ ageMsMax: 1 }, stat, 200), 200);
  assert.is(retainedFrom({ bytesMax: 250 }, stat, undefined), 175);
  assert.is(retainedFrom({ bytesMax: 999 }, stat, undefined), 100);
  assert.is(retainedFrom({ bytesMax: 0 }, stat, undefined), 200);
  assert.is(retainedFrom({ recordsMax: 30 }, stat, undefined), 170);
  assert.is(retainedFrom({ recordsMax: 30, bytesMax: 250, ageMsMax: 1 }, stat, 120), 175);
});

test('never goes back, never beyond the end', () => {
  const limits = fc.record({ bytesMax: fc.nat(5000), recordsMax: fc.nat(300), ageMsMax: fc.nat(10) }, { requiredKeys: [] });
  fc.assert(
    fc.property(
      limits,
      fc.nat(1000),
      fc.nat(1000),
      fc.nat(10_000),
      fc.option(fc.nat(3000), { nil: undefined }),
      (limit, start, span, bytes, at) => {
        const from = retainedFrom(limit, { start, next: start + span, bytes }, at);
        assert.ok(from >= start && from <= start + span && Number.isInteger(from), `${from}`);
      },
    ),
  );
});

test('on an engine: the age, then the bytes, and again when nothing has changed', async () => {
  const it = await new Opened({
    open: () => Promise.resolve(new MemoryEngine({ bytesMax: 16 << 20, shardBytesMax: 8 << 20, overflow: 'refuse' })),
    batchBytesMax: 0,
    histories: 0,
  }).open();
  it.engine.create(1);
  for (let i = 0; i < 100; i++) it.append(1, ['x'.repeat(100)], i * 10);
  await it.commit();
  const retention = { ageMsMax: 500, bytesMax: it.engine.stat(1).bytes / 4 };
  const apply = async (nowMs: number): Promise<number> => {
    const at = await it.offsetForTime(1, cutoffMs(retention, nowMs)!);
    it.engine.trim(1, retainedFrom(retention, it.engine.stat(1), at));
    await it.commit();
    return it.engine.stat(1).start;
  };
  assert.is(await apply(400), 75, 'nothing is too old, and three quarters are too much');
  assert.is(await apply(400), 75);
  assert.is(await apply(1400), 90);
  assert.is(await apply(1400), 90);
  assert.is(await apply(9999), 100);
  await it.end();
});

test.run();
