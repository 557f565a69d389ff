/** Where a listener accepts. */
import { formatAddress } from '../address.ts';
import type { ListenAddress } from '../sockets/listening-socket.ts';
import type { UnixAddress } from '../sockets/unix-socket.ts';

export type Bind = ListenAddress | UnixAddress;

/** `host:port`, or the path of a Unix socket. */
export function describeBind(bind: Bind): string {
  return 'path' in bind ? bind.path : formatAddress(bind.host, bind.port);
}
