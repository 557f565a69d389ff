/**
 * The way from one node to another, as a TCP proxy that can go bad: hold everything back without a word, as a lost route does, reset what is there, or be slow. A node's own link carries only
 * what it sends, so holding one proxy is a partition in one direction.
 */
import { once } from 'node:events';
import * as net from 'node:net';

interface Pair {
  readonly near: net.Socket;
  readonly far: net.Socket;
}

export class LinkProxy {
  readonly #server: net.Server;
  readonly #pairs = new Set<Pair>();
  #isHeld = false;
  #delayMs = 0;
  readonly port: number;

  private constructor(server: net.Server, target: number) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (near) => this.#connect(near, target));
  }

  static async to(target: number): Promise<LinkProxy> {
    const server = net.createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LinkProxy(server, target);
  }

  /** Nothing passes, and nobody is told. */
  hold(): void {
    this.#isHeld = true;
    for (const { near, far } of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  /** All as it should be. */
  heal(): void {
    this.#delayMs = 0;
    if (!this.#isHeld) return;
    this.#isHeld = false;
    for (const { near, far } of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  /** Connections are gone, and may be made again. */
  reset(): void {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  /** What passes takes this much longer. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  close(): void {
    this.#server.close();
    this.reset();
  }

  #connect(near: net.Socket, target: number): void {
    const far = net.connect({ port: target, host: '127.0.0.1', noDelay: true });
    const pair = { near, far };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', end);
      from.on('close', end);
      from.on('data', (bytes) => this.#pass(to, bytes));
      if (this.#isHeld) from.pause();
    }
  }

  #pass(to: net.Socket, bytes: Buffer): void {
    if (this.#delayMs === 0) to.write(bytes);
    else setTimeout(() => to.write(bytes), this.#delayMs);
  }
}
