/**
 * A reactor's side of the plugin: an actor that numbers the questions, keeps those that wait, and answers for the plugin when that does not. Nothing that the plugin's
 * thread does is waited for: a question has its deadline, and a queue of PLUGIN_WAITING_MAX; what is told waits for nobody and is lost beyond PLUGIN_NOTICES_MAX.
 *
 *   to the plugin     { id, hook, questions }   { hook, facts }
 *   from the plugin   { id, answers }           { taken }
 */
import type { MessagePort } from 'node:worker_threads';
import { PLUGIN_NOTICES_MAX, PLUGIN_WAITING_MAX } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { judgeAnswer } from './answers.ts';
import type { AskedHook, HookAnswers, HookQuestions, Plugin, ToldHook } from './hooks.ts';
import { PLUGIN_PROBE } from './probe.ts';

const { slot } = PLUGIN_PROBE;
const IO_PORT = 1;
const IO_MESSAGE = 2;
const IO_CLOSED = 3;
const IO_WATCH = 4;
const IO_ANSWER = 5;

/** Of a message port, what is used here. */
export type PluginPort = Pick<MessagePort, 'postMessage' | 'on'>;

export interface GateOptions {
  /** Those that the plugin has. */
  readonly hooks: readonly (AskedHook | ToldHook)[];
  readonly publishFilters: readonly string[];
  readonly timeoutMs: number;
  /** Hooks that let through what they would have decided about when they fail. */
  readonly failOpen: readonly AskedHook[];
}

export interface Asked {
  readonly id: number;
  readonly hook: AskedHook;
  readonly questions: readonly unknown[];
}
export interface Told {
  readonly hook: ToldHook;
  readonly facts: object;
}
/** `threw` instead of an answer: the hook did. */
export interface Answered {
  readonly id: number;
  readonly answers: readonly ({ readonly value: unknown } | { readonly threw: true })[];
}
export interface Taken {
  readonly taken: number;
}

interface Waiting {
  readonly message: Asked;
  readonly done: (answers: readonly never[]) => void;
  readonly deadline: number;
  isSent: boolean;
}

export class PluginGate implements Plugin, Actor<never> {
  readonly publishFilters: readonly string[];
  readonly #hooks: ReadonlySet<string>;
  readonly #failOpen: ReadonlySet<string>;
  readonly #timeoutMs: number;
  readonly #slots: Float64Array;
  /** By id, the oldest first; all have the same time to be answered in. */
  readonly #waiting = new Map<number, Waiting>();
  #ctx!: ActorContext<never>;
  #port: PluginPort | null = null;
  #lastId = 0;
  #isWatching = false;
  /** Told, and not taken yet. */
  #notices = 0;

  constructor({ hooks, publishFilters, timeoutMs, failOpen }: GateOptions, slots: Float64Array) {
    this.publishFilters = publishFilters;
    this.#hooks = new Set(hooks);
    this.#failOpen = new Set(failOpen);
    this.#timeoutMs = timeoutMs;
    this.#slots = slots;
  }

  started(ctx: ActorContext<never>): void {
    this.#ctx = ctx;
  }

  receive(): void {}

  wants(hook: AskedHook | ToldHook): boolean {
    return this.#hooks.has(hook);
  }

  letsThrough(hook: AskedHook): boolean {
    return this.#failOpen.has(hook);
  }

  /** The plugin has come, or come back. */
  attach(port: PluginPort): void {
    this.#ctx.io(IO_PORT, port);
  }

  ask<H extends AskedHook>(
    hook: H,
    questions: readonly HookQuestions[H][],
    then: (answers: readonly HookAnswers[H][]) => void,
  ): void {
    const message: Asked = { id: ++this.#lastId, hook, questions };
    if (this.#waiting.size >= PLUGIN_WAITING_MAX) {
      this.#slots[slot.full]! += questions.length;
      return this.#ctx.io(IO_ANSWER, () => then(questions.map(() => 'failed') as unknown as HookAnswers[H][]));
    }
    this.#ctx.io(IO_WATCH, { message, done: then as Waiting['done'] });
  }

  tell(hook: ToldHook, facts: object): void {
    if (this.#port === null || this.#notices >= PLUGIN_NOTICES_MAX) {
      this.#slots[slot.lost]! += 1;
      return;
    }
    this.#notices++;
    this.#port.postMessage({ hook, facts } satisfies Told);
  }

  onIo(event: number, argument: unknown, ctx: ActorContext<never>): void {
    switch (event) {
      case IO_WATCH:
        this.#enter(argument as Pick<Waiting, 'message' | 'done'>, ctx);
        break;
      case IO_PORT:
        this.#open(argument as PluginPort, ctx);
        break;
      case IO_MESSAGE:
        this.#heard(argument as { port: PluginPort; message: Answered | Taken });
        break;
      case IO_CLOSED:
        if (argument === this.#port) this.#close();
        break;
      case IO_ANSWER:
        (argument as () => void)();
        break;
    }
  }

  onTimer(_key: number, ctx: ActorContext<never>): void {
    this.#isWatching = false;
    for (const [id, waiting] of this.#waiting) {
      if (waiting.deadline > ctx.now()) break;
      this.#fail(id, waiting, slot.late);
    }
    this.#watch(ctx);
  }

  #enter({ message, done }: Pick<Waiting, 'message' | 'done'>, ctx: ActorContext<never>): void {
    const waiting: Waiting = { message, done, deadline: ctx.now() + this.#timeoutMs, isSent: false };
    this.#waiting.set(message.id, waiting);
    this.#send(waiting);
    this.#watch(ctx);
  }

  /** What waited for it is asked now. */
  #open(port: PluginPort, ctx: ActorContext<never>): void {
    if (this.#port !== null) this.#close();
    this.#port = port;
    this.#notices = 0;
    port.on('message', (message: Answered | Taken) => ctx.io(IO_MESSAGE, { port, message }));
    port.on('close', () => ctx.io(IO_CLOSED, port));
    for (const waiting of this.#waiting.values()) this.#send(waiting);
  }

  /** What it has been asked it may have died of: nobody asks that again. */
  #close(): void {
    this.#port = null;
    for (const [id, waiting] of this.#waiting) if (waiting.isSent) this.#fail(id, waiting, slot.gone);
  }

  #send(waiting: Waiting): void {
    if (this.#port === null) return;
    waiting.isSent = true;
    this.#port.postMessage(waiting.message);
  }

  #heard({ port, message }: { port: PluginPort; message: Answered | Taken }): void {
    if (port !== this.#port) return;
    if ('taken' in message) {
      this.#notices -= message.taken;
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return; // too late
    this.#waiting.delete(message.id);
    const { hook, questions } = waiting.message;
    waiting.done(questions.map((_, i) => this.#judge(hook, message.answers[i])) as never[]);
  }

  #judge(hook: AskedHook, answer: Answered['answers'][number] | undefined): HookAnswers[AskedHook] {
    if (answer === undefined || !('value' in answer)) {
      this.#slots[slot.threw]! += 1;
      return 'failed';
    }
    const judged = judgeAnswer(hook, answer.value);
    this.#slots[judged === 'failed' ? slot.garbage : slot.answered]! += 1;
    return judged;
  }

  #fail(id: number, { message, done }: Waiting, counter: number): void {
    this.#waiting.delete(id);
    this.#slots[counter]! += message.questions.length;
    done(message.questions.map(() => 'failed') as never[]);
  }

  #watch(ctx: ActorContext<never>): void {
    if (this.#isWatching) return;
    const [oldest] = this.#waiting.values();
    if (oldest === undefined) return;
    this.#isWatching = true;
    ctx.startTimer(Math.max(oldest.deadline - ctx.now(), 1), 0);
  }
}
