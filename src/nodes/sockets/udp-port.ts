/**
 * A UDP port for a thread that binds it itself: main makes sure that the address is free, and picks the port when none is
 * asked for, so that a taken one ends the boot with the key to change.
 */
import dgram from 'node:dgram';
import { isIP } from 'node:net';
import { type ListenAddress, listenError } from './listening-socket.ts';

export function findUdpPort(address: ListenAddress): Promise<number> {
  const socket = dgram.createSocket(isIP(address.host) === 6 ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(listenError(address, error));
    });
    socket.bind({ address: address.host, port: address.port, exclusive: true }, () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}
