/** Sends a run to another topic than the one that it was published to. */
import { retopic } from '../../wire/mqtt/retopic.ts';
import type { Run } from '../router/sink.ts';
import type { Topic } from '../router/topic-table.ts';

export function retopicRun(run: Run, target: Topic): void {
  if (target === run.topic) return;
  run.buffer = retopic(run.buffer, run.start, run.end, run.dialect, target.bytes);
  run.start = 0;
  run.end = run.buffer.length;
  run.topic = target;
}
