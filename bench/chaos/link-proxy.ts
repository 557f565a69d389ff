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
      const way = new Way(to);
      from.on('data', (bytes) => way.pass(bytes, this.#delayMs));
      if (this.#isHeld) from.pause();
    }
  }
}

/** What goes to one end of a connection: in order, as the bytes of a connection are, also when it has just become faster. */
class Way {
  readonly #to: net.Socket;
  #waiting: { readonly bytes: Buffer; readonly dueMs: number }[] = [];

  constructor(to: net.Socket) {
    this.#to = to;
  }

  pass(bytes: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#waiting.length === 0) return void this.#to.write(bytes);
    const dueMs = Math.max(performance.now() + delayMs, this.#waiting.at(-1)?.dueMs ?? 0);
    this.#waiting.push({ bytes, dueMs });
    if (this.#waiting.length === 1) this.#wait();
  }

  #wait(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    setTimeout(() => {
      this.#waiting.shift();
      this.#to.write(first.bytes);
      this.#wait();
    }, first.dueMs - performance.now());
  }
}
