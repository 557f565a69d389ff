/**
 * A replicated map of registers, for benches and specs of the groups by themselves: the module of state machines of nodes that register-node.ts starts. It also opens a TCP port on the thread of
 * the groups, on which clients read and write in lines of JSON (register-client.ts); the port is in the file `register-port` of the machines' directory.
 */
import { renameSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DATA, type Entry } from '../../src/actors/raft/entry.ts';
import { type RaftRequest, type ReadReply, raftRef } from '../../src/actors/raft/messages.ts';
import type { ProposalOutcome } from '../../src/actors/raft/node/proposals.ts';
import { nodeOfReplica } from '../../src/actors/raft/replica.ts';
import { PieceParser, PieceReader, pour } from '../../src/actors/raft/snapshot/pieces.ts';
import type { SnapshotReader, StateMachine } from '../../src/actors/raft/state-machine.ts';
import type { SnapshotMeta } from '../../src/actors/raft/storage.ts';
import type { MachineOptions, Machines } from '../../src/nodes/raft/machines.ts';
import type { Actor, ActorContext } from '../../src/runtime/actor.ts';
import type { ActorSystem } from '../../src/runtime/system.ts';

export type RegisterOp = 'put' | 'cas';

export interface RegisterCommand {
  readonly op: RegisterOp;
  readonly key: string;
  /** What a `cas` expects; '' for a register that was never written. */
  readonly expected: string;
  readonly value: string;
}

export interface RegisterRequest {
  readonly id: number;
  readonly group: number;
  readonly op: RegisterOp | 'get';
  readonly key: string;
  readonly expected?: string;
  readonly value?: string;
}

/** `ok` with what the machine says; `not`: it has not happened and will not, `leader` may know better; `unknown`: it may have happened. */
export interface RegisterReply {
  readonly id: number;
  readonly result: 'ok' | 'not' | 'unknown';
  readonly answer?: string;
  /** Node that leads, as far as is known; 0: nobody. */
  readonly leader?: number;
}

const ASK_MS = 5000;
const PIECE_BYTES = 64 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a command does to a register, and what it answers. */
export function registerStep(
  before: string,
  { op, expected, value }: Omit<RegisterCommand, 'key'>,
): { readonly after: string; readonly answer: string } {
  if (op === 'put' || before === expected) return { after: value, answer: 'yes' };
  return { after: before, answer: 'no' };
}

export class RegisterMachine implements StateMachine {
  #values = new Map<string, string>();
  appliedIndex = 0;

  get(key: string): string {
    return this.#values.get(key) ?? '';
  }

  apply(entries: readonly Entry[], done: (replies: readonly unknown[]) => void): void {
    const replies = entries.map((entry) => (entry.kind === DATA ? this.#apply(entry.data) : undefined));
    this.appliedIndex = entries.at(-1)!.index;
    done(replies);
  }

  #apply(data: Uint8Array): string {
    const command = JSON.parse(decoder.decode(data)) as RegisterCommand;
    const { after, answer } = registerStep(this.get(command.key), command);
    this.#values.set(command.key, after);
    return answer;
  }

  snapshot(): SnapshotReader {
    return new PieceReader([...this.#values].map((pair) => encoder.encode(JSON.stringify(pair)))[Symbol.iterator]());
  }

  restore(meta: SnapshotMeta, reader: SnapshotReader, done: () => void): void {
    const values = new Map<string, string>();
    const parser = new PieceParser((piece) => values.set(...(JSON.parse(decoder.decode(piece)) as [string, string])));
    pour(reader, parser, PIECE_BYTES, () => {
      this.#values = values;
      this.appliedIndex = meta.index;
      done();
    });
  }
}

interface Line {
  readonly socket: net.Socket;
  readonly text: string;
}

class RegisterServer implements Actor<never> {
  readonly #system: ActorSystem;
  readonly #machines: ReadonlyMap<number, RegisterMachine>;
  readonly #directory: string;
  #server: net.Server | undefined;

  constructor(system: ActorSystem, machines: ReadonlyMap<number, RegisterMachine>, directory: string) {
    this.#system = system;
    this.#machines = machines;
    this.#directory = directory;
  }

  started(ctx: ActorContext<never>): void {
    this.#server = net.createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      createInterface({ input: socket })
        .on('line', (text) => ctx.io(0, { socket, text } satisfies Line))
        .on('error', () => {});
    });
    this.#server.listen(0, '127.0.0.1', () => {
      const { port } = this.#server!.address() as net.AddressInfo;
      const path = join(this.#directory, 'register-port');
      writeFileSync(`${path}.new`, String(port));
      renameSync(`${path}.new`, path);
    });
  }

  receive(): void {}

  onIo(_event: number, argument: unknown, ctx: ActorContext<never>): void {
    const { socket, text } = argument as Line;
    const { id, group, op, key, expected = '', value = '' } = JSON.parse(text) as RegisterRequest;
    const reply = (rest: Omit<RegisterReply, 'id'>): void => {
      if (!socket.destroyed) socket.write(`${JSON.stringify({ id, ...rest })}\n`);
    };
    if (op === 'get') return this.#get(group, key, reply, ctx);
    const data = encoder.encode(JSON.stringify({ op, key, expected, value } satisfies RegisterCommand));
    ctx.ask<RaftRequest, ProposalOutcome>(raftRef(this.#system), { type: 'propose', group, data }, ASK_MS, (outcome) => {
      if (outcome === undefined || outcome.result === 'unknown') return reply({ result: 'unknown' });
      if (outcome.result === 'ok') return reply({ result: 'ok', answer: String(outcome.reply) });
      this.#leader(group, ctx, (leader) => reply({ result: 'not', leader }));
    });
  }

  #get(group: number, key: string, reply: (rest: Omit<RegisterReply, 'id'>) => void, ctx: ActorContext<never>): void {
    ctx.ask<RaftRequest, ReadReply>(raftRef(this.#system), { type: 'read', group, mode: 'index' }, ASK_MS, (read) => {
      if (read?.isOk === true) reply({ result: 'ok', answer: this.#machines.get(group)!.get(key) });
      else reply({ result: 'not', leader: read === undefined ? 0 : nodeOfReplica(read.lead) });
    });
  }

  #leader(group: number, ctx: ActorContext<never>, then: (node: number) => void): void {
    ctx.ask<RaftRequest, { readonly lead: number }>(raftRef(this.#system), { type: 'status', group }, ASK_MS, (status) =>
      then(status === undefined ? 0 : nodeOfReplica(status.lead)),
    );
  }

  stopping(): void {
    this.#server?.close();
  }
}

export async function openMachines(system: ActorSystem, { directory }: MachineOptions): Promise<Machines> {
  const machines = new Map<number, RegisterMachine>();
  return {
    machineOf: (group) => {
      const machine = new RegisterMachine();
      machines.set(group, machine);
      return machine;
    },
    started: () => {
      system.spawn<never>(() => new RegisterServer(system, machines, directory), { name: 'register-server' });
    },
  };
}
