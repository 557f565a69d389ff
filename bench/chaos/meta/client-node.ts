/** The node that the clients are on: it has no groups, and reaches the cluster's nodes, and is reached by them, over ways that can go bad. */
import { startThreads, type ThreadHost } from '../../../src/runtime/thread-host.ts';
import { freePort } from '../../targets/broker-process.ts';
import { LinkProxy } from '../link-proxy.ts';
import { boot, type ClientBoot } from './client-boot.ts';
import { MetaPort } from './meta-port.ts';

/** A number that no node of the cluster has. */
const CLIENT_NODE = 1000;
const STOP_MS = 1000;

export interface Member {
  readonly id: number;
  readonly port: number;
}

export class ClientNode {
  readonly #host: ThreadHost;
  /** To each node, and at last the one from all of them. */
  readonly ways: readonly LinkProxy[];

  private constructor(host: ThreadHost, ways: readonly LinkProxy[]) {
    this.#host = host;
    this.ways = ways;
  }

  static async start(members: readonly Member[], secret: string): Promise<ClientNode> {
    const port = await freePort();
    const out: LinkProxy[] = [];
    for (const { port: target } of members) out.push(await LinkProxy.to(target));
    const back = await LinkProxy.to(port);
    const options: ClientBoot = {
      incarnation: Date.now(),
      secret,
      port,
      address: `127.0.0.1:${back.port}`,
      peers: members.map(({ id }, i) => ({ node: id, host: '127.0.0.1', port: out[i]!.port })),
    };
    const host = await startThreads({
      node: CLIENT_NODE,
      reactors: 1,
      bootModule: new URL('./client-boot.js', import.meta.url),
      bootArguments: () => options,
      onGiveUp: (_thread, error) => {
        throw error;
      },
    });
    await boot(host.system, options);
    return new ClientNode(host, [...out, back]);
  }

  /** A client of its own that asks these nodes, the first one first. */
  port(nodes: readonly number[]): Promise<MetaPort> {
    return MetaPort.open(this.#host.system, nodes);
  }

  heal(): void {
    for (const way of this.ways) way.heal();
  }

  async stop(): Promise<void> {
    await this.#host.stop(STOP_MS);
    for (const way of this.ways) way.close();
  }
}
