/** The state machine of the simulations: strings by key. What has been applied is chained into one number, so two replicas that differ in anything have told different stories. */
import { ByteReader } from '../../../src/actors/raft/codec/byte-reader.ts';
import { ByteWriter } from '../../../src/actors/raft/codec/byte-writer.ts';
import type { CommandMachine } from '../../../src/actors/raft/sessions/session-machine.ts';
import { mix32 } from '../../../src/base/prng.ts';

export type KvOp = 'put' | 'append' | 'cas';

export interface KvCommand {
  readonly op: KvOp;
  readonly key: string;
  /** What a `cas` expects. */
  readonly expected: string;
  readonly value: string;
}

const OPS: readonly KvOp[] = ['put', 'append', 'cas'];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeKv({ op, key, expected, value }: KvCommand): Uint8Array {
  return encoder.encode([OPS.indexOf(op), key, expected, value].join('\n'));
}

export function decodeKv(bytes: Uint8Array): KvCommand {
  const [op, key, expected, value] = decoder.decode(bytes).split('\n');
  return { op: OPS[Number(op)]!, key: key!, expected: expected!, value: value! };
}

/** What a command does to a value and what it answers; the model of the checker is the same function. */
export function kvStep(before: string, { op, expected, value }: KvCommand): { readonly after: string; readonly answer: string } {
  switch (op) {
    case 'put':
      return { after: value, answer: 'ok' };
    case 'append':
      return { after: `${before}${value}`, answer: String(before.length + value.length) };
    case 'cas':
      return before === expected ? { after: value, answer: 'yes' } : { after: before, answer: 'no' };
  }
}

export class Kv implements CommandMachine {
  readonly #values = new Map<string, string>();
  /** Everything applied so far, in order. */
  chain = 0;
  readonly #onApply: (command: KvCommand) => void;

  constructor(onApply: (command: KvCommand) => void = () => {}) {
    this.#onApply = onApply;
  }

  get(key: string): string {
    return this.#values.get(key) ?? '';
  }

  apply(bytes: Uint8Array): Uint8Array {
    const command = decodeKv(bytes);
    const { after, answer } = kvStep(this.get(command.key), command);
    this.#values.set(command.key, after);
    for (let i = 0; i < bytes.length; i++) this.chain = mix32(this.chain ^ bytes[i]!) + i;
    this.#onApply(command);
    return encoder.encode(answer);
  }

  *pieces(): Generator<Uint8Array, void, undefined> {
    const values = [...this.#values];
    const { chain } = this;
    const writer = new ByteWriter();
    writer.varint(chain);
    yield writer.take();
    for (const [key, value] of values) {
      writer.bytes(encoder.encode(key));
      writer.bytes(encoder.encode(value));
      yield writer.take();
    }
  }

  beginRestore(): void {
    this.#values.clear();
    this.chain = -1;
  }

  restore(piece: Uint8Array): void {
    const reader = new ByteReader(piece);
    if (this.chain < 0) this.chain = reader.varint();
    else this.#values.set(decoder.decode(reader.bytes()), decoder.decode(reader.bytes()));
  }

  picture(): string {
    return JSON.stringify([...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
