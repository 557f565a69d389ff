/** Opens the connections of a load and closes them all at its end. */
import { Connection } from './connection.ts';
import type { Job } from './job.ts';
import type { RunContext } from './run-context.ts';

export class Clients {
  readonly #job: Job;
  readonly #context: RunContext;
  readonly #open: Connection[] = [];

  constructor(job: Job, context: RunContext) {
    this.#job = job;
    this.#context = context;
  }

  /** A connection whose CONNACK has come. */
  async connect(clientId: string): Promise<Connection> {
    const connection = new Connection(this.#job.endpoint, clientId, this.#context.fail);
    this.#open.push(connection);
    await connection.handshake(this.#job.level);
    return connection;
  }

  closeAll(): void {
    for (const connection of this.#open) connection.close();
  }
}

/** Topics of one length, so that all packets of a run have one size. */
export function topicOf(publisher: number, publishers: number): string {
  return `bench/${String(publisher).padStart(String(publishers - 1).length, '0')}`;
}
