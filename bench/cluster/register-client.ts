/** A client of one node's registers (register-machine.ts): requests by number over one connection. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RegisterReply, RegisterRequest } from './register-machine.ts';

export type Request = Omit<RegisterRequest, 'id'>;

export class RegisterClient {
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, (reply: RegisterReply) => void>();
  #next = 1;
  isClosed = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      // Whatever is on its way may have happened.
      for (const [id, then] of this.#waiting) then({ id, result: 'unknown' });
      this.#waiting.clear();
    });
    const lines = createInterface({ input: socket });
    lines.on('error', () => {});
    lines.on('line', (line) => {
      const reply = JSON.parse(line) as RegisterReply;
      const then = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      then?.(reply);
    });
  }

  /** Of the node whose data is in `directory`; rejects when it does not listen. */
  static async connect(directory: string): Promise<RegisterClient> {
    const port = Number(readFileSync(join(directory, 'raft', 'register-port'), 'utf8'));
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RegisterClient(socket);
  }

  ask(request: Request): Promise<RegisterReply> {
    const id = this.#next++;
    if (this.isClosed) return Promise.resolve({ id, result: 'not' });
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
