/**
 * QoS 0 as fast as the peer takes it: two prebuilt blocks in turn, one block per publisher and pass of the event loop, and the next
 * only when the socket has taken the last one. So TCP is the only brake, memory stays at two blocks, and the subscribers' reads of
 * the same process are never starved.
 */
import type { Connection } from './connection.ts';
import { buildBlock, layoutOf, type PublishShape } from './packets.ts';

const BLOCKS = 2;

/** Sends all ready publishers' blocks once per pass of the event loop. */
export class FloodPump {
  readonly #ready: FloodPublisher[] = [];
  #scheduled = false;

  ready(publisher: FloodPublisher): void {
    this.#ready.push(publisher);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const next of this.#ready.splice(0)) next.sendBlock();
    });
  }
}

export class FloodPublisher {
  sent = 0;
  readonly #connection: Connection;
  readonly #pump: FloodPump;
  readonly #now: () => number;
  readonly #blocks: Buffer[] = [];
  readonly #perBlock: number;
  readonly #stampAt: number;
  readonly #flushed: () => void;
  #turn = 0;
  #running = false;

  constructor(connection: Connection, shapes: readonly PublishShape[], blockBytes: number, pump: FloodPump, now: () => number) {
    const layout = layoutOf(shapes[0] as PublishShape);
    this.#connection = connection;
    this.#pump = pump;
    this.#now = now;
    this.#perBlock = Math.max(1, Math.floor(blockBytes / layout.size));
    this.#stampAt = layout.stamped ? layout.payloadAt + 1 : 0;
    for (let i = 0; i < BLOCKS; i++) this.#blocks.push(buildBlock(shapes, this.#perBlock, 0, this.#perBlock));
    this.#flushed = () => {
      if (this.#running) pump.ready(this);
    };
  }

  start(): void {
    this.#running = true;
    this.#pump.ready(this);
  }

  stop(): void {
    this.#running = false;
  }

  sendBlock(): void {
    if (!this.#running) return;
    const block = this.#blocks[this.#turn] as Buffer;
    this.#turn = (this.#turn + 1) % BLOCKS;
    if (this.#stampAt > 0) block.writeDoubleLE(this.#now(), this.#stampAt);
    this.sent += this.#perBlock;
    this.#connection.socket.write(block, this.#flushed);
  }
}
