import { MemoryKv } from '../../../src/storage/kv/memory-kv.ts';
import { kvSuite } from '../kv-suite.ts';

const disk: ConstructorParameters<typeof MemoryKv>[0] = new Map();

kvSuite('memory', {
  open: (directory) => Promise.resolve(new MemoryKv(disk, directory)),
  isDurable: false,
  histories: 200,
}).run();
