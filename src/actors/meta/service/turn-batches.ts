/** What a turn has brought for a group: its commands become one entry, its reads share one confirmation. */
import { META_ENTRY_BYTES } from '../../../base/limits.ts';
import type { ActorRef } from '../../../runtime/ref.ts';
import type { ReadReply } from '../../raft/messages.ts';
import type { Command } from '../../raft/sessions/command-codec.ts';

export interface Caller {
  readonly to: ActorRef;
  readonly id: number;
}

export interface CommandBatch {
  readonly group: number;
  readonly commands: Command[];
  readonly callers: Caller[];
  bytes: number;
}

/** Looks at the state and answers. */
export type Read = (confirmed: ReadReply) => void;

export interface ReadBatch {
  readonly group: number;
  readonly reads: Read[];
  readonly callers: Caller[];
}

const NO_COMMANDS: readonly CommandBatch[] = [];
const NO_READS: readonly ReadBatch[] = [];

export class TurnBatches {
  #commands: CommandBatch[] = [];
  readonly #open = new Map<number, CommandBatch>();
  readonly #reads = new Map<number, ReadBatch>();

  command(group: number, caller: Caller, command: Command, bytes: number): void {
    let batch = this.#open.get(group);
    if (batch === undefined || batch.bytes + bytes > META_ENTRY_BYTES) {
      batch = { group, commands: [], callers: [], bytes: 0 };
      this.#open.set(group, batch);
      this.#commands.push(batch);
    }
    batch.commands.push(command);
    batch.callers.push(caller);
    batch.bytes += bytes;
  }

  /** `read` is called when the state is recent enough. */
  read(group: number, caller: Caller, read: Read): void {
    let batch = this.#reads.get(group);
    if (batch === undefined) this.#reads.set(group, (batch = { group, reads: [], callers: [] }));
    batch.reads.push(read);
    batch.callers.push(caller);
  }

  takeCommands(): readonly CommandBatch[] {
    const taken = this.#commands;
    if (taken.length === 0) return NO_COMMANDS;
    this.#commands = [];
    this.#open.clear();
    return taken;
  }

  takeReads(): readonly ReadBatch[] {
    if (this.#reads.size === 0) return NO_READS;
    const taken = [...this.#reads.values()];
    this.#reads.clear();
    return taken;
  }
}
