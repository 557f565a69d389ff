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

  /** A connection whose CONNACK has come. `lasts`: of a session that outlives it. */
  async connect(clientId: string, lasts = false): Promise<Connection> {
    const connection = new Connection(this.#job.endpoint, clientId, this.#context.fail);
    this.#open.push(connection);
    await connection.handshake(this.#job.level, this.#job.login, lasts);
    return connection;
  }

  closeAll(): void {
    for (const connection of this.#open) connection.close();
  }
}

/** Numbers of one length, so that all packets of a run have one size. */
function digits(value: number, count: number): string {
  return String(value).padStart(String(count - 1).length, '0');
}

/** The topics of one publisher: `bench/3`, or `bench/3/00`, `bench/3/01` … when it has several. */
export function topicsOf(publisher: number, publishers: number, topics = 1): string[] {
  const name = `bench/${digits(publisher, publishers)}`;
  return topics === 1 ? [name] : Array.from({ length: topics }, (_, i) => `${name}/${digits(i, topics)}`);
}
