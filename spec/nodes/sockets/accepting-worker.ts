// A stand-in for a reactor: accepts from the listening socket that it was lent and greets with its own number.
import * as net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { ListenerBoot } from '../../../src/nodes/sockets/listener-boot.ts';

const { listener, name } = workerData as { listener: ListenerBoot; name: string };
const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.end(name);
});
server.listen(
  listener.fd === undefined ? { host: listener.host, port: listener.port, reusePort: true } : { fd: listener.fd },
  () => parentPort?.postMessage('listening'),
);
parentPort?.on('message', () => server.close(() => parentPort?.postMessage('closed')));
