/** What a hook has returned, as what it means. Pure: whatever it is, it is judged, and 'failed' is what makes no sense. */
import { isTopicName } from '../../wire/mqtt/topics.ts';
import type { AskedHook, HookAnswers, PublishVerdict } from './hooks.ts';

export function judgeAnswer(hook: AskedHook, value: unknown): HookAnswers[AskedHook] {
  switch (hook) {
    case 'onConnect':
    case 'onSubscribe':
      return value === undefined ? true : typeof value === 'boolean' ? value : 'failed';
    case 'onAuthorize':
      return value === undefined ? 'ignore' : value === true ? 'allow' : value === false ? 'deny' : 'failed';
    case 'onPublish':
      return value === undefined || value === true ? 'pass' : value === false ? 'refuse' : changeOf(value);
  }
}

function changeOf(value: unknown): PublishVerdict {
  if (typeof value !== 'object' || value === null) return 'failed';
  const { topic, payload } = value as { topic?: unknown; payload?: unknown };
  if (topic !== undefined && (typeof topic !== 'string' || !isPlainTopic(topic))) return 'failed';
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) return 'failed';
  if (topic === undefined && bytes === undefined) return 'failed';
  return { ...(topic === undefined ? {} : { topic }), ...(bytes === undefined ? {} : { payload: bytes }) };
}

/** Topics that begin with `$` are not a plugin's to publish to. */
function isPlainTopic(topic: string): boolean {
  const bytes = Buffer.from(topic);
  return !topic.startsWith('$') && isTopicName(bytes, 0, bytes.length);
}
