// Loaded into a node before its entry (NODE_OPTIONS): ends its second reactor's thread at SIGUSR2, as a crash of that thread would.
import { syncBuiltinESMExports } from 'node:module';
import threads, { isMainThread, type Worker, type WorkerOptions } from 'node:worker_threads';

const VICTIM = 'reactor-2';

if (isMainThread) {
  const Original = threads.Worker;
  let victim: Worker | undefined;
  threads.Worker = class extends Original {
    constructor(file: string | URL, options?: WorkerOptions) {
      super(file, options);
      if (options?.name === VICTIM) victim = this;
    }
  };
  syncBuiltinESMExports();
  process.on('SIGUSR2', () => void victim?.terminate());
}
