/** A thread of a store that says it is open, and dies of the first call. */
import { parentPort } from 'node:worker_threads';

parentPort!.once('message', () => {
  throw new Error('a defect');
});
parentPort!.postMessage({ number: 0, body: { isOk: true, value: undefined } });
