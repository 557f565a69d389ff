/**
 * One address that every reactor accepts from, while main accepts nothing.
 *
 * Node ≥ 22.12: each reactor listens with SO_REUSEPORT; main has only made sure that the address is free and has picked the port.
 * Node 20: main binds and never listens; each reactor listens on its own duplicate of the descriptor (duplicate-fd.ts). A
 * few spare duplicates let a reactor come back at once; they are made up for afterwards.
 *
 * A descriptor that was lent to a reactor belongs to it: the thread closes it, or its death does. Main's handle of the same
 * number must then never be closed, because the number may be somebody else's by then, so lent handles are kept as they are.
 */
import * as net from 'node:net';
import { assert } from '../../base/assert.ts';
import { type ErrorCode, SluiceError } from '../../base/errors.ts';
import { formatAddress } from '../address.ts';
import { duplicateHandle, type TcpHandle } from './duplicate-fd.ts';
import type { ListenerBoot } from './listener-boot.ts';

/** Duplicates at hand beside those in use: at least so many, and one for each reactor, so that even all of them can come back at once. */
const SPARES_MIN = 4;

export interface ListeningSocket {
  readonly host: string;
  /** Resolved: never 0. */
  readonly port: number;
  /** For one incarnation of one reactor; throws when all duplicates are lent and new ones are not there yet. */
  lend(): ListenerBoot;
  /** From now on the kernel refuses connections, once the reactors have closed what was lent to them. */
  close(): void;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** The configuration key of the port, for error messages. */
  readonly key: string;
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
    probe.listen({ host: address.host, port: address.port, exclusive: true }, () =>
      resolve((probe.address() as net.AddressInfo).port),
    );
  });
  await new Promise((closed) => probe.close(closed));
  const boot: ListenerBoot = { kind: 'tcp', host: address.host, port, reusePort: true };
  return { host: address.host, port, lend: () => boot, close: () => {} };
}

type CreateServerHandle = (host: string, port: number, family: 4 | 6) => TcpHandle | number;

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
    probe.listen({ host: ip, port: address.port, exclusive: true }, resolve);
  });
  await new Promise((closed) => probe.close(closed));
}

async function openShared(address: ListenAddress, reactors: number): Promise<ListeningSocket> {
  const { ip, family } = await resolveHost(address);
  await assertFree(address, ip);
  const createServerHandle = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle;
  const bound = createServerHandle(ip, address.port, family);
  if (typeof bound === 'number') {
    const { getSystemErrorName } = await import('node:util');
    throw listenError(address, { code: getSystemErrorName(bound) });
  }
  const name: { port?: number } = {};
  bound.getsockname(name);
  assert(name.port !== undefined && name.port > 0, 'a bound socket has a port');
  const sparesMin = Math.max(SPARES_MIN, reactors);
  const spares = await duplicateHandle(bound, reactors + sparesMin);
  return new SharedSocket(address.host, name.port, bound, spares, sparesMin);
}

class SharedSocket implements ListeningSocket {
  readonly host: string;
  readonly port: number;
  readonly #bound: TcpHandle;
  readonly #spares: TcpHandle[];
  readonly #sparesMin: number;
  /** Held so that they are neither collected nor closed; see the header. */
  readonly #lent: TcpHandle[] = [];
  #refilling = false;
  #closed = false;

  constructor(host: string, port: number, bound: TcpHandle, spares: TcpHandle[], sparesMin: number) {
    this.host = host;
    this.port = port;
    this.#bound = bound;
    this.#spares = spares;
    this.#sparesMin = sparesMin;
  }

  lend(): ListenerBoot {
    assert(!this.#closed, 'a closed socket is not lent');
    const handle = this.#spares.pop();
    assert(handle !== undefined, 'a duplicate of the listening socket is at hand');
    this.#lent.push(handle);
    if (this.#spares.length < this.#sparesMin) this.#refill();
    return { kind: 'tcp', host: this.host, port: this.port, fd: handle.fd };
  }

  /** One child at a time; when it fails, the next `lend` tries again. */
  #refill(): void {
    if (this.#refilling) return;
    this.#refilling = true;
    duplicateHandle(this.#bound, this.#sparesMin).then(
      (copies) => {
        this.#refilling = false;
        if (this.#closed) for (const copy of copies) copy.close();
        else this.#spares.push(...copies);
      },
      () => {
        this.#refilling = false;
      },
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bound.close();
    for (const spare of this.#spares.splice(0)) spare.close();
  }
}
