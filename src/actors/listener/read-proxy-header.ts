/** Reads the PROXY header off a connection that has just been accepted. What came along with it goes back into the socket, for whoever reads next. */
import type net from 'node:net';
import { type ProxyHeader, readProxyHeader } from '../../wire/proxy/proxy-header.ts';

/** `then` gets the client's address ('' when the proxy does not tell), or undefined and why not. It is not called when the socket closes before. */
export function takeProxyHeader(socket: net.Socket, then: (source: string | undefined, why: string) => void): void {
  let got: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      got = got.length === 0 ? chunk : Buffer.concat([got, chunk]);
      const header: ProxyHeader = readProxyHeader(got);
      if (header.state === 'partial') continue;
      socket.off('readable', onReadable);
      if (header.state === 'malformed') return then(undefined, header.why);
      if (header.bytes < got.length) socket.unshift(got.subarray(header.bytes));
      return then(header.source ?? '', '');
    }
  };
  socket.on('readable', onReadable);
}
