// The node's process with the stand-in for its reactors: `node dist/spec/nodes/standin-node.js …` behaves as `node dist/node.js …`.
import { runNodeProcess } from '../../src/nodes/node-process.ts';

await runNodeProcess({ reactor: new URL('./standin-reactor.js', import.meta.url) });
