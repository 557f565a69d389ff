/** A node whose replicated groups hold registers (register-machine.ts): otherwise `node dist/bench/cluster/register-node.js …` behaves as `node dist/node.js …`. */
import { runNodeProcess } from '../../src/nodes/node-process.ts';

// Whoever started it holds the other end: a node does not outlive a bench or a spec that was killed.
process.stdin.resume().on('end', () => process.exit(1));

await runNodeProcess({
  reactor: new URL('../../src/nodes/reactor.js', import.meta.url),
  machines: new URL('./register-machine.js', import.meta.url),
});
