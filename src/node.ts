/** The entry of `node dist/node.js`. */
import { runNodeProcess } from './nodes/node-process.ts';

await runNodeProcess({
  reactor: new URL('./nodes/reactor.js', import.meta.url),
  machines: new URL('./nodes/meta/machines.js', import.meta.url),
  hasMetadata: true,
});
