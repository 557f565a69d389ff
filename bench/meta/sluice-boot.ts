/** Boot module of the client's node: a wire and a client of the metadata, on one reactor; the load runs in it. */
import { MetaClient, MetaClientActor } from '../../src/actors/meta/client/client.ts';
import type { MetaCommand } from '../../src/actors/meta/command.ts';
import { ABSENT, ANY } from '../../src/actors/meta/command.ts';
import { metaDoorRef } from '../../src/actors/meta/messages.ts';
import { groupId } from '../../src/actors/raft/group-id.ts';
import type { Actor, ActorContext } from '../../src/runtime/actor.ts';
import type { ActorSystem } from '../../src/runtime/system.ts';
import { TcpTransport } from '../../src/wire/tcp-transport.ts';
import { startWire } from '../../src/wire/wire-actor.ts';
import { drive } from './drive.ts';
import type { Endpoint, MetaCaller, MetaJob } from './orders.ts';

export const LOAD_SLOT = 40;

export interface LoadBoot {
  readonly port: number;
  readonly incarnation: number;
  readonly endpoints: readonly Endpoint[];
}

const GROUP = groupId('data', 0);

export async function boot(system: ActorSystem, { port, incarnation, endpoints }: LoadBoot): Promise<void> {
  await startWire(system, {
    cluster: 'bench',
    incarnation,
    roles: [],
    secret: 'bench',
    transport: new TcpTransport(undefined),
    address: `127.0.0.1:${port}`,
    peers: endpoints,
    ...(system.thread === 1 ? { listen: { host: '127.0.0.1', port } } : {}),
  });
  const client = new MetaClient({ candidates: () => endpoints.map(({ node }) => metaDoorRef(node)) });
  system.spawn(() => new MetaClientActor(client), { name: 'meta-client' });
  system.spawn<MetaJob>(() => new Load(new SluiceCaller(client)), { name: 'load', wellKnown: LOAD_SLOT });
}

class SluiceCaller implements MetaCaller {
  readonly #client: MetaClient;
  #value = new Uint8Array(0);

  constructor(client: MetaClient) {
    this.#client = client;
  }

  call(job: MetaJob, number: number, done: (isOk: boolean) => void): void {
    if (this.#value.length !== job.payloadBytes) this.#value = new Uint8Array(job.payloadBytes).fill(120);
    if (job.load === 'read') {
      this.#client.get(GROUP, [keyOf(number, job)], false, (outcome) => done(outcome.isOk));
      return;
    }
    this.#client.command(GROUP, this.#command(job, number), (outcome) => done(outcome.isOk));
  }

  #command({ load, batch, keys, calls }: MetaJob, number: number): MetaCommand {
    if (load === 'put') {
      const key = `k${String(number % keys).padStart(15, '0')}`;
      return { type: 'write', puts: [{ key, value: this.#value, lease: 0 }], deletes: [] };
    }
    const claims = Array.from({ length: batch }, (_, i) => ({
      key: `s/client-${number * batch + i}`,
      expected: calls > 0 ? ABSENT : ANY,
      value: this.#value,
      lease: 0,
    }));
    return { type: 'claim', claims, wantsBefore: false };
  }

  async close(): Promise<void> {}
}

function keyOf(number: number, { keys }: MetaJob): string {
  return `k${String(number % keys).padStart(15, '0')}`;
}

class Load implements Actor<MetaJob> {
  readonly #caller: SluiceCaller;

  constructor(caller: SluiceCaller) {
    this.#caller = caller;
  }

  receive(job: MetaJob, ctx: ActorContext<MetaJob>): void {
    const to = ctx.replyTo()!;
    drive(this.#caller, job).then(
      (run) => ctx.respond(to, run),
      (error: unknown) => ctx.respond(to, { failed: String(error) }),
    );
  }
}
