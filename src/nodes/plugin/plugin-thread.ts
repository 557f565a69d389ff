/** Entry of the plugin's thread: loads the module, and calls its hooks. Whatever the module does happens to this thread alone. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Answered, Asked, Taken, Told } from '../../actors/plugin/gate.ts';
import { ASKED_HOOKS, TOLD_HOOKS } from '../../actors/plugin/hooks.ts';
import { assert } from '../../base/assert.ts';
import { createLog, errorFields } from '../log.ts';
import type { FromPlugin, PluginBirth, ToPlugin } from './messages.ts';

type Hook = (argument: unknown) => unknown;
type Answer = Answered['answers'][number];

const parent = parentPort;
assert(parent !== null, 'plugin-thread runs in a worker thread');
const { module: url, settings, logLevel, node } = workerData as PluginBirth;
const log = createLog({ level: logLevel, node, worker: 'plugin' });

const loaded = (await import(url)) as Readonly<Record<string, unknown>>;
/** Its exports, or the members of its default export. */
const plugin = { ...(loaded.default as object | undefined), ...loaded } as Readonly<Record<string, unknown>>;
if (typeof plugin.start === 'function') await (plugin.start as (settings: string) => unknown)(settings);
const hooks = [...ASKED_HOOKS, ...TOLD_HOOKS].filter((hook) => typeof plugin[hook] === 'function');

parent.on('message', (message: ToPlugin) => {
  if (message.type === 'port') serve(message.port);
  else say({ type: 'pong' });
});
say({ type: 'ready', hooks });

function serve(port: MessagePort): void {
  port.on('message', (message: Asked | Told) => {
    if ('id' in message) void answer(port, message);
    else void hear(port, message);
  });
}

async function answer(port: MessagePort, { id, hook, questions }: Asked): Promise<void> {
  const answers = await Promise.all(questions.map((question) => call(hook, question)));
  try {
    port.postMessage({ id, answers } satisfies Answered);
  } catch (error) {
    // What it has returned cannot be cloned.
    log.warn({ hook, ...errorFields(error) }, 'a hook of the plugin has returned what is no answer');
    port.postMessage({ id, answers: questions.map((): Answer => ({ value: null })) } satisfies Answered);
  }
}

async function hear(port: MessagePort, { hook, facts }: Told): Promise<void> {
  await call(hook, facts);
  port.postMessage({ taken: 1 } satisfies Taken);
}

async function call(hook: string, argument: unknown): Promise<Answer> {
  try {
    return { value: await (plugin[hook] as Hook)(argument) };
  } catch (error) {
    log.warn({ hook, ...errorFields(error) }, 'a hook of the plugin threw');
    return { threw: true };
  }
}

function say(message: FromPlugin): void {
  parent!.postMessage(message);
}
