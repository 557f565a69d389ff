/**
 * The wire of a node: what main makes of the configuration, and what each thread starts from it. Off when no other node is
 * configured.
 */
import { readFileSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { SluiceError } from '../base/errors.ts';
import { REACTORS_MAX } from '../base/limits.ts';
import type { ActorSystem } from '../runtime/system.ts';
import { addressText, parseMember } from '../wire/address.ts';
import { loadQuic } from '../wire/quic-transport.ts';
import { TcpTransport } from '../wire/tcp-transport.ts';
import type { ListenAt, TlsKeys, Transport } from '../wire/transport.ts';
import type { WireEvent } from '../wire/wire.ts';
import { startWire } from '../wire/wire-actor.ts';
import type { Config } from './config/schema.ts';
import type { Incarnation } from './incarnation.ts';
import { errorFields, type Log } from './log.ts';

/** What a thread needs to start its wire. Plain data: it crosses into the thread with its boot arguments. */
export interface WireBoot {
  readonly incarnation: number;
  readonly keys: TlsKeys | undefined;
  /** For others. */
  readonly address: string;
  /** Threads beside main and the reactors that have a wire. */
  readonly services: readonly number[];
  /** Those of `cluster.meta`, in order, when this node is one of them: they pass messages on to each other. */
  readonly nodes: readonly number[];
  /** The thread that accepts connections from other nodes. */
  readonly acceptor: number;
  /** Only the accepting thread has it. */
  readonly listen: ListenAt | undefined;
}

/** Whether this node is to reach others. */
export function isWireOn({ cluster, wire }: Config): boolean {
  return cluster.meta.length > 0 && wire.port >= 0;
}

function membersOf({ cluster }: Config): number[] {
  return cluster.meta.flatMap((text) => parseMember(text)?.node ?? []).sort((a, b) => a - b);
}

/** Throws when `cluster.meta` names a node twice or badly. */
export function checkMembers({ cluster }: Config): void {
  const nodes = new Set<number>();
  for (const text of cluster.meta) {
    const member = parseMember(text);
    if (member === undefined || member.node < 1 || member.node > 1023 || nodes.has(member.node)) {
      const why =
        member === undefined ? 'is not id@host:port' : nodes.has(member.node) ? 'names a node twice' : 'has no valid id';
      throw new SluiceError('SLUICE_CONFIG_BAD_VALUE', `cluster.meta: ${JSON.stringify(text)} ${why}`);
    }
    nodes.add(member.node);
  }
  if (nodes.size > REACTORS_MAX)
    throw new SluiceError('SLUICE_CONFIG_BAD_VALUE', `cluster.meta names ${nodes.size} nodes; ${REACTORS_MAX} at most`);
}

/** Certificate, key and authority; undefined without them. Throws when they are incomplete or cannot be read. */
export function readKeys({ wire }: Config): TlsKeys | undefined {
  const { cert, key, ca } = wire.tls;
  if (cert === '' && key === '' && ca === '') {
    if (wire.transport !== 'quic') return undefined;
    throw new SluiceError('SLUICE_WIRE_TRANSPORT', 'wire.transport = "quic" needs wire.tls.cert, wire.tls.key and wire.tls.ca');
  }
  const read = (name: 'cert' | 'key' | 'ca'): string => {
    try {
      return readFileSync(wire.tls[name], 'utf8');
    } catch (error) {
      const file = JSON.stringify(wire.tls[name]);
      throw new SluiceError(
        'SLUICE_CONFIG_BAD_VALUE',
        `wire.tls.${name} = ${file}: cannot be read; the three of wire.tls belong together`,
        {
          cause: error,
        },
      );
    }
  };
  return { cert: read('cert'), key: read('key'), ca: read('ca') };
}

/** `acceptor`: the thread that has `listen`. */
export function wireBootOf(
  config: Config,
  { incarnation }: Incarnation,
  keys: TlsKeys | undefined,
  boundPort: number,
  acceptor: number,
  listen: ListenAt | undefined,
  services: readonly number[] = [],
): WireBoot {
  const own = config.cluster.meta.map(parseMember).find((member) => member?.node === config.node.id);
  const address = own ?? { host: config.wire.host, port: boundPort };
  const nodes = own === undefined ? [] : membersOf(config);
  return { incarnation, keys, address: addressText(address), services, nodes, acceptor, listen };
}

/** On any thread. */
export async function startNodeWire(system: ActorSystem, config: Config, boot: WireBoot, log: Log): Promise<void> {
  await startWire(system, {
    cluster: config.cluster.name,
    incarnation: boot.incarnation,
    roles: config.node.roles,
    secret: config.wire.secret,
    transport: await makeTransport(config, boot.keys),
    address: boot.address,
    peers: config.cluster.meta.flatMap((text) => parseMember(text) ?? []),
    services: boot.services,
    acceptor: boot.acceptor,
    ...(boot.listen === undefined ? {} : { listen: boot.listen }),
    onEvent: (event) => logEvent(log, event),
  });
}

async function makeTransport({ wire }: Config, keys: TlsKeys | undefined): Promise<Transport> {
  if (wire.transport === 'tcp') return new TcpTransport(keys);
  assert(keys !== undefined, 'QUIC has keys');
  return loadQuic(keys);
}

/** Attempts that fail are many while a peer is away: they are for whoever looks closely. */
function logEvent(log: Log, event: WireEvent): void {
  switch (event.what) {
    case 'up':
      log.info({ peer: event.node }, 'a node is reached');
      break;
    case 'lost':
      log.warn({ peer: event.node, ...errorFields(event.error) }, 'the link to a node is lost');
      break;
    case 'unreachable':
      log.debug({ peer: event.node, ...errorFields(event.error) }, 'a node cannot be reached');
      break;
    case 'refused':
      log.warn({ peer: event.node, address: event.address, ...errorFields(event.error) }, 'a connection to the wire was closed');
      break;
  }
}
