/** A node whose replicated groups hold registers (register-machine.ts): otherwise `node dist/bench/cluster/register-node.js …` behaves as `node dist/node.js …`. */
import { runNodeProcess } from '../../src/nodes/node-process.ts';

await runNodeProcess({
  reactor: new URL('../../src/nodes/reactor.js', import.meta.url),
  machines: new URL('./register-machine.js', import.meta.url),
});
