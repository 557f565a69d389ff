/** The transport of a bench run. */
import { loadQuic } from '../../src/wire/quic-transport.ts';
import { TcpTransport } from '../../src/wire/tcp-transport.ts';
import type { Transport } from '../../src/wire/transport.ts';
import { BENCH_KEYS } from './keys.ts';
import type { WireOptions } from './orders.ts';

export async function makeTransport(name: WireOptions['transport']): Promise<Transport> {
  return name === 'quic' ? loadQuic(BENCH_KEYS) : new TcpTransport();
}
