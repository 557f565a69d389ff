import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../src/nodes/log.ts';
import { untilAll } from '../../src/nodes/waiting-notice.ts';
import { until } from '../e2e/until.ts';

const test = suite('waiting notice');

function notices(): {
  readonly lines: { code: string; waitsFor: string[] }[];
  readonly options: Parameters<typeof untilAll>[1];
  stop(): void;
} {
  const lines: { code: string; waitsFor: string[] }[] = [];
  const stopping = new AbortController();
  const log = createLog({ level: 'info', node: 1, worker: 0 }, { write: (line) => lines.push(JSON.parse(line)) });
  const options = { log, code: 'SLUICE_NODE_WAITING', message: 'it waits', everyMs: 1, signal: stopping.signal };
  return { lines, options, stop: () => stopping.abort() };
}

test('what is missing is said over and over until it is there, and then no more', async () => {
  const { lines, options } = notices();
  const arrive: (() => void)[] = [];
  const awaited = ['users', 'messages'].map((what) => ({ what, promise: new Promise<void>((resolve) => arrive.push(resolve)) }));
  let isOver = false;
  const all = untilAll(awaited, options).then(() => {
    isOver = true;
  });
  await until('it has been said twice', () => lines.length > 1);
  assert.equal([lines[0]!.code, lines[0]!.waitsFor], ['SLUICE_NODE_WAITING', ['users', 'messages']]);
  arrive[0]!();
  await until('one of them is missing', () => lines.at(-1)!.waitsFor.length === 1);
  assert.equal(lines.at(-1)!.waitsFor, ['messages']);
  assert.not.ok(isOver);
  arrive[1]!();
  await all;
  const said = lines.length;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.is(lines.length, said);
});

test('a node that is told to stop waits no longer', async () => {
  const { options, stop } = notices();
  const all = untilAll([{ what: 'x', promise: new Promise(() => {}) }], options);
  stop();
  await all;
  await untilAll([{ what: 'x', promise: new Promise(() => {}) }], options);
});

test('what fails is not waited for', async () => {
  const { options } = notices();
  const error = await untilAll([{ what: 'x', promise: Promise.reject(new Error('broken')) }], options).catch((reason: unknown) =>
    String(reason),
  );
  assert.match(String(error), 'broken');
});

test.run();
