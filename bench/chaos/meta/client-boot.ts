/** Boot module of the clients' node: a wire to the cluster's nodes on its one reactor, and nothing else. */
import type { ActorSystem } from '../../../src/runtime/system.ts';
import { TcpTransport } from '../../../src/wire/tcp-transport.ts';
import type { WireOptions } from '../../../src/wire/wire.ts';
import { startWire } from '../../../src/wire/wire-actor.ts';

export interface ClientBoot {
  readonly incarnation: number;
  readonly secret: string;
  /** Where the cluster's nodes reach this one. */
  readonly address: string;
  readonly peers: WireOptions['peers'];
  /** Of the thread that accepts. */
  readonly port: number;
}

/** Main and the reactor have a wire each. */
export async function boot(system: ActorSystem, { incarnation, secret, address, peers, port }: ClientBoot): Promise<void> {
  await startWire(system, {
    cluster: 'sluice',
    incarnation,
    roles: [],
    secret,
    transport: new TcpTransport(undefined),
    address,
    peers,
    ...(system.thread === 1 ? { listen: { host: '127.0.0.1', port } } : {}),
  });
}
