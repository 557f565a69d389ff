// A stand-in for a reactor: accepts from the listening socket that it was lent and greets with its own number.
import * as net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { ListenTarget } from '../../../src/actors/listener/settings.ts';

const { listener, name } = workerData as { listener: ListenTarget; name: string };
const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.end(name);
});
server.listen(listener, () => parentPort?.postMessage('listening'));
parentPort?.on('message', () => server.close(() => parentPort?.postMessage('closed')));
