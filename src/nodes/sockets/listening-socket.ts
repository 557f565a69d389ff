/**
 * One address that every reactor accepts from, while main accepts nothing.
 *
 * Node ≥ 22.12: each reactor listens with SO_REUSEPORT; main has only made sure that the address is free and has picked the port.
 * Node 20: main binds and never listens; each reactor listens on its own duplicate of the descriptor (shared-socket.ts).
 */
import * as net from 'node:net';
import type { ListenTarget } from '../../actors/listener/settings.ts';
import { assert } from '../../base/assert.ts';
import { type ErrorCode, SluiceError } from '../../base/errors.ts';
import { formatAddress } from '../address.ts';
import type { BoundHandle } from './duplicate-fd.ts';
import { shareHandle } from './shared-socket.ts';

export interface ListeningSocket {
  /** As users write it; its port is resolved, never 0. */
  readonly address: string;
  /** For one incarnation of one reactor; throws when all duplicates are lent and new ones are not there yet. */
  lend(): ListenTarget;
  /** From now on the kernel refuses connections, once the reactors have closed what was lent to them. */
  close(): void;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** The configuration key of the port, for error messages. */
  readonly key: string;
  /** Keeps `::` from taking IPv4. */
  readonly ipv6Only?: boolean;
}

/** Turns an error of bind or listen into one that says which key to change. */
export function listenError(address: ListenAddress, error: unknown): SluiceError {
  const cause = (error as NodeJS.ErrnoException).code ?? String(error);
  const code: ErrorCode = cause === 'EADDRINUSE' ? 'SLUICE_LISTEN_ADDRESS_IN_USE' : 'SLUICE_LISTEN_ADDRESS';
  const what = cause === 'EADDRINUSE' ? 'another process listens there' : `the system refuses it (${cause})`;
  return new SluiceError(code, `${address.key}: cannot listen on ${formatAddress(address.host, address.port)}: ${what}`, {
    cause: error,
  });
}

/** SO_REUSEPORT in `listen`: 22.12 and up, 23.1 and up. */
export function supportsReusePort(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  return process.platform === 'linux' && (major >= 24 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12));
}

export function openListeningSocket(
  address: ListenAddress,
  reactors: number,
  nodeVersion: string = process.versions.node,
): Promise<ListeningSocket> {
  return supportsReusePort(nodeVersion) ? openReusedPort(address) : openShared(address, reactors);
}

/** Binds and listens alone for a moment: this fails where SO_REUSEPORT would quietly share the address with another node. */
async function openReusedPort(address: ListenAddress): Promise<ListeningSocket> {
  const probe = net.createServer();
  const port = await new Promise<number>((resolve, reject) => {
    probe.once('error', (error) => reject(listenError(address, error)));
    probe.listen({ host: address.host, port: address.port, ipv6Only: address.ipv6Only === true, exclusive: true }, () =>
      resolve((probe.address() as net.AddressInfo).port),
    );
  });
  await new Promise((closed) => probe.close(closed));
  const target: ListenTarget = { host: address.host, port, ipv6Only: address.ipv6Only === true, reusePort: true };
  return { address: formatAddress(address.host, port), lend: () => target, close: () => {} };
}

type CreateServerHandle = (host: string, port: number, family: 4 | 6, fd: -1, flags: number) => BoundHandle | number;
/** libuv's UV_TCP_IPV6ONLY. */
const IPV6_ONLY = 1;

/** Names are resolved here, because the handle below takes addresses alone. */
async function resolveHost(address: ListenAddress): Promise<{ ip: string; family: 4 | 6 }> {
  const literal = net.isIP(address.host);
  if (literal !== 0) return { ip: address.host, family: literal as 4 | 6 };
  const { lookup } = await import('node:dns/promises');
  try {
    const found = await lookup(address.host);
    return { ip: found.address, family: found.family as 4 | 6 };
  } catch (error) {
    throw listenError(address, error);
  }
}

/**
 * Whether somebody listens on the address. bind alone does not tell: libuv sets SO_REUSEADDR and reports EADDRINUSE only at
 * `listen`, which main must not call on a socket that the reactors are to accept from.
 */
async function assertFree(address: ListenAddress, ip: string): Promise<void> {
  if (address.port === 0) return;
  const probe = net.createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error) => reject(listenError(address, error)));
    probe.listen({ host: ip, port: address.port, ipv6Only: address.ipv6Only === true, exclusive: true }, resolve);
  });
  await new Promise((closed) => probe.close(closed));
}

async function openShared(address: ListenAddress, reactors: number): Promise<ListeningSocket> {
  const { ip, family } = await resolveHost(address);
  await assertFree(address, ip);
  const createServerHandle = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle;
  const bound = createServerHandle(ip, address.port, family, -1, address.ipv6Only === true ? IPV6_ONLY : 0);
  if (typeof bound === 'number') {
    const { getSystemErrorName } = await import('node:util');
    throw listenError(address, { code: getSystemErrorName(bound) });
  }
  const name: { port?: number } = {};
  bound.getsockname?.(name);
  assert(name.port !== undefined && name.port > 0, 'a bound socket has a port');
  return shareHandle(bound, formatAddress(address.host, name.port), reactors);
}
