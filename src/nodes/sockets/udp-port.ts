/**
 * A UDP port for a thread that binds it itself: main makes sure that the address is free, and picks the port when none is
 * asked for, so that a taken one ends the boot with the key to change.
 */
import dgram from 'node:dgram';
import { isIP } from 'node:net';
import { formatAddress } from '../address.ts';
import { type ListenAddress, type ListeningSocket, listenError } from './listening-socket.ts';

export function findUdpPort(address: ListenAddress): Promise<number> {
  const { host, port, ipv6Only = false } = address;
  const socket = dgram.createSocket({ type: isIP(host) === 6 ? 'udp6' : 'udp4', ipv6Only });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(listenError(address, error));
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      const found = socket.address().port;
      socket.close(() => resolve(found));
    });
  });
}

/** For a listener of one reactor. */
export async function openUdpPort(address: ListenAddress): Promise<ListeningSocket> {
  const { host, ipv6Only = false } = address;
  const port = await findUdpPort(address);
  return { address: formatAddress(host, port), lend: () => ({ udp: { host, port, ipv6Only } }), close: () => {} };
}
