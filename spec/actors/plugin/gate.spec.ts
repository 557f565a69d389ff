// A reactor's side of the plugin: every question is answered exactly once, whatever the plugin does, and nothing grows without end.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeAnswer } from '../../../src/actors/plugin/answers.ts';
import { type Answered, type Asked, PluginGate, type PluginPort } from '../../../src/actors/plugin/gate.ts';
import { ASKED_HOOKS, type AskedHook, type HookAnswers, type HookQuestions } from '../../../src/actors/plugin/hooks.ts';
import { PLUGIN_PROBE } from '../../../src/actors/plugin/probe.ts';
import { PLUGIN_NOTICES_MAX, PLUGIN_WAITING_MAX } from '../../../src/base/limits.ts';
import { PROBE_SLOTS } from '../../../src/base/probe.ts';
import type { ActorContext } from '../../../src/runtime/actor.ts';

const test = suite('plugin gate');
const TIMEOUT = 100;

class FakePort {
  readonly sent: unknown[] = [];
  readonly #listeners = new Map<string, (message: never) => void>();

  postMessage(message: unknown): void {
    this.sent.push(message);
  }
  on(event: string, listener: (message: never) => void): void {
    this.#listeners.set(event, listener);
  }
  hear(message: unknown): void {
    this.#listeners.get('message')!(message as never);
  }
  close(): void {
    this.#listeners.get('close')!(undefined as never);
  }
  get asked(): Asked[] {
    return this.sent.filter((message): message is Asked => 'id' in (message as object));
  }
}

class Bench {
  readonly slots = new Float64Array(PROBE_SLOTS);
  readonly gate: PluginGate;
  now = 0;
  #timerAt: number | null = null;

  constructor(failOpen: AskedHook[] = []) {
    this.gate = new PluginGate(
      { hooks: [...ASKED_HOOKS, 'onDelivered'], publishFilters: ['#'], timeoutMs: TIMEOUT, failOpen },
      this.slots,
    );
    this.gate.started(this.#ctx);
  }

  get #ctx(): ActorContext<never> {
    return {
      now: () => this.now,
      io: (event: number, argument: unknown) => this.gate.onIo(event, argument, this.#ctx),
      startTimer: (delayMs: number) => {
        this.#timerAt = this.now + delayMs;
      },
    } as unknown as ActorContext<never>;
  }

  attach(port: FakePort): void {
    this.gate.attach(port as unknown as PluginPort);
  }

  pass(ms: number): void {
    const end = this.now + ms;
    while (this.#timerAt !== null && this.#timerAt <= end) {
      this.now = this.#timerAt;
      this.#timerAt = null;
      this.gate.onTimer(0, this.#ctx);
    }
    this.now = end;
  }

  subscribe(then: (answers: readonly HookAnswers['onSubscribe'][]) => void, count = 1): void {
    const client = { clientId: 'c', username: '', address: '', listener: '' };
    const questions: HookQuestions['onSubscribe'][] = Array.from({ length: count }, (_, i) => ({
      client,
      filter: `f/${i}`,
      qos: 0,
    }));
    this.gate.ask('onSubscribe', questions, then);
  }

  count(result: 'answered' | 'late' | 'threw' | 'garbage' | 'full' | 'gone' | 'lost'): number {
    return this.slots[PLUGIN_PROBE.slot[result]]!;
  }
}

test('an answer is for its question, a late one for nobody', () => {
  const bench = new Bench();
  const port = new FakePort();
  bench.attach(port);
  const heard: unknown[] = [];
  bench.subscribe((answers) => heard.push(answers), 2);
  bench.subscribe((answers) => heard.push(answers));
  const [first, second] = port.asked;
  port.hear({ id: second!.id, answers: [{ value: true }] });
  assert.equal(heard, [[true]]);
  bench.pass(TIMEOUT);
  assert.equal(heard, [[true], ['failed', 'failed']]);
  port.hear({ id: first!.id, answers: [{ value: true }, { value: true }] });
  assert.is(heard.length, 2);
  assert.equal([bench.count('answered'), bench.count('late')], [1, 2]);
});

test('what waits for the plugin is asked when it comes, what it was asked when it went is not asked again', () => {
  const bench = new Bench();
  const heard: unknown[] = [];
  bench.subscribe((answers) => heard.push(answers));
  const port = new FakePort();
  bench.attach(port);
  assert.is(port.asked.length, 1);
  port.close();
  assert.equal(heard, [['failed']]);
  bench.subscribe((answers) => heard.push(answers));
  const next = new FakePort();
  bench.attach(next);
  assert.is(next.asked.length, 1);
  port.hear({ id: next.asked[0]!.id, answers: [{ value: true }] });
  assert.is(heard.length, 1, 'the old one is not heard any more');
  next.hear({ id: next.asked[0]!.id, answers: [{ threw: true }] } satisfies Answered);
  assert.equal(heard, [['failed'], ['failed']]);
  assert.equal([bench.count('gone'), bench.count('threw')], [1, 1]);
});

test('questions beyond the bound fail, notices beyond theirs are lost', () => {
  const bench = new Bench();
  bench.attach(new FakePort());
  let failed = 0;
  for (let i = 0; i < PLUGIN_WAITING_MAX; i++) bench.subscribe(() => {});
  bench.subscribe(([answer]) => {
    assert.is(answer, 'failed');
    failed++;
  });
  assert.equal([failed, bench.count('full')], [1, 1]);
  const port = new FakePort();
  const told = new Bench();
  told.gate.tell('onDelivered', {});
  assert.is(told.count('lost'), 1, 'nobody is there');
  told.attach(port);
  for (let i = 0; i < PLUGIN_NOTICES_MAX + 1; i++) told.gate.tell('onDelivered', {});
  assert.equal([port.sent.length, told.count('lost')], [PLUGIN_NOTICES_MAX, 2]);
  port.hear({ taken: 1 });
  told.gate.tell('onDelivered', {});
  assert.is(port.sent.length, PLUGIN_NOTICES_MAX + 1);
});

test('whatever happens, each question is answered once, and in time', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('answer' as const), which: fc.nat(), value: fc.anything(), fewer: fc.boolean() }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 80 }) }),
    fc.record({ kind: fc.constant('close' as const) }),
    fc.record({ kind: fc.constant('attach' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const bench = new Bench();
      let port: FakePort | undefined;
      const answered: number[] = [];
      for (const each of steps) {
        if (each.kind === 'ask') {
          const index = answered.push(0) - 1;
          const askedAt = bench.now;
          bench.subscribe((answers) => {
            answered[index]! += 1;
            assert.is(answers.length, each.count);
            assert.ok(answers.every((answer) => typeof answer === 'boolean' || answer === 'failed'));
            assert.ok(bench.now - askedAt <= TIMEOUT + 1);
          }, each.count);
        } else if (each.kind === 'answer' && port !== undefined && port.asked.length > 0) {
          const { id, questions } = port.asked[each.which % port.asked.length]!;
          port.hear({ id, answers: each.fewer ? [] : questions.map(() => ({ value: each.value })) });
        } else if (each.kind === 'pass') bench.pass(each.ms);
        else if (each.kind === 'close') {
          port?.close();
          port = undefined;
        } else if (each.kind === 'attach') bench.attach((port = new FakePort()));
      }
      bench.pass(2 * TIMEOUT);
      assert.ok(
        answered.every((times) => times === 1),
        String(answered),
      );
    }),
  );
});

test('what a hook returns is judged, whatever it is', () => {
  assert.is(judgeAnswer('onConnect', undefined), true);
  assert.is(judgeAnswer('onAuthorize', undefined), 'ignore');
  assert.is(judgeAnswer('onAuthorize', false), 'deny');
  assert.is(judgeAnswer('onPublish', true), 'pass');
  assert.is(judgeAnswer('onPublish', false), 'refuse');
  assert.equal(judgeAnswer('onPublish', { topic: 'a/b', payload: 'x' }), { topic: 'a/b', payload: Buffer.from('x') });
  for (const bad of [
    null,
    7,
    '',
    {},
    { topic: 'a/#' },
    { topic: '' },
    { topic: '$SYS/x' },
    { topic: 7 },
    { payload: 7 },
    { payload: [1] },
    { topic: 'a\0' },
  ])
    assert.is(judgeAnswer('onPublish', bad), 'failed', JSON.stringify(bad));
  const answers = {
    onConnect: [true, false, 'failed'],
    onSubscribe: [true, false, 'failed'],
    onAuthorize: ['allow', 'deny', 'ignore', 'failed'],
  } as const;
  fc.assert(
    fc.property(
      fc.constantFrom('onConnect' as const, 'onSubscribe' as const, 'onAuthorize' as const),
      fc.anything(),
      (hook, value) => {
        assert.ok((answers[hook] as readonly unknown[]).includes(judgeAnswer(hook, value)));
      },
    ),
  );
});

test.run();
