/** The transport of a bench run. */
import { TcpTransport } from '../../src/wire/tcp-transport.ts';
import type { Transport } from '../../src/wire/transport.ts';
import type { WireOptions } from './orders.ts';

export async function makeTransport(name: WireOptions['transport']): Promise<Transport> {
  if (name !== 'tcp') throw new Error(`no transport ${name}`);
  return new TcpTransport();
}
