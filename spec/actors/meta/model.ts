/** What a group is to do, said as plainly as possible: a list of states, the newest last, each a map. Slow, and without any of the machine's structures. */
import type { MetaCommand, MetaReply, Put, TxnOp, TxnResult } from '../../../src/actors/meta/command.ts';

export interface ModelRecord {
  readonly value: string;
  readonly created: number;
  readonly modified: number;
  readonly version: number;
  readonly lease: number;
}

export type ModelState = ReadonlyMap<string, ModelRecord>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export class Model {
  /** By revision. */
  readonly states: ModelState[] = [new Map()];
  readonly leases: Map<number, { ttlMs: number; grant: number }> = new Map();
  /** Of the leader whose commands these are. */
  term = 1;
  #nextGrant = 1;

  get revision(): number {
    return this.states.length - 1;
  }

  get now(): ModelState {
    return this.states.at(-1)!;
  }

  do(command: MetaCommand): unknown {
    switch (command.type) {
      case 'write': {
        if (!this.#leasesOf(command.puts)) return { type: 'refused', reason: 'no_such_lease' };
        let deleted = 0;
        this.#change((_state, put, remove) => {
          for (const key of command.deletes) if (remove(key)) deleted++;
          for (const each of command.puts) put(each);
        });
        return { type: 'written', revision: this.revision, deleted };
      }
      case 'claim': {
        const puts = command.claims.filter((claim) => claim.value !== undefined) as unknown as Put[];
        if (!this.#leasesOf(puts)) return { type: 'refused', reason: 'no_such_lease' };
        const results: unknown[] = [];
        const next = this.revision + 1;
        this.#change((state, put, remove) => {
          for (const { key, expected, value, lease } of command.claims) {
            const before = state.get(key);
            const isDone = expected === -1 || expected === (before?.modified ?? 0);
            if (isDone && value !== undefined) put({ key, value, lease });
            if (isDone && value === undefined) remove(key);
            const modified = isDone ? (value === undefined ? 0 : next) : (before?.modified ?? 0);
            results.push({
              isDone,
              modified,
              before: command.wantsBefore && before !== undefined ? shown(key, before) : undefined,
            });
          }
        });
        return { type: 'claimed', revision: this.revision, results };
      }
      case 'txn': {
        const isSuccess = command.compares.every(({ key, target, relation, operand }) => {
          const record = this.now.get(key);
          if (target === 'value') {
            if (record === undefined) return relation === '!=' || relation === '<';
            return related(Buffer.compare(Buffer.from(record.value, 'hex'), operand as Uint8Array), relation);
          }
          return related((record?.[target] ?? 0) - (operand as number), relation);
        });
        const ops = isSuccess ? command.success : command.failure;
        if (!this.#leasesOf(ops.flatMap((op) => (op.type === 'put' ? [op.put] : []))))
          return { type: 'refused', reason: 'no_such_lease' };
        const results: unknown[] = [];
        this.#change((state, put, remove) => {
          for (const op of ops) results.push(resultOf(op, state, put, remove));
        });
        return { type: 'txn', revision: this.revision, isSuccess, results };
      }
      case 'grant': {
        if (command.ttlMs < 500) return { type: 'refused', reason: 'bad_ttl' };
        if (this.leases.has(command.id)) return { type: 'refused', reason: 'lease_exists' };
        let { id } = command;
        while (id === 0 && this.leases.has(this.#nextGrant)) this.#nextGrant++;
        const grant = this.#nextGrant++;
        if (id === 0) id = grant;
        this.leases.set(id, { ttlMs: command.ttlMs, grant });
        return { type: 'granted', id, ttlMs: command.ttlMs };
      }
      case 'revoke':
        return this.#end(command.ids);
      case 'expire':
        if (command.term !== this.term) return this.#end([]);
        return this.#end(command.leases.filter(({ id, grant }) => this.leases.get(id)?.grant === grant).map(({ id }) => id));
    }
  }

  #end(ids: readonly number[]): unknown {
    const known = new Set(ids.filter((id) => this.leases.has(id)));
    let deleted = 0;
    this.#change((state, _put, remove) => {
      for (const [key, { lease }] of [...state]) if (known.has(lease) && remove(key)) deleted++;
    });
    for (const id of known) this.leases.delete(id);
    return { type: 'ended', revision: this.revision, ended: known.size, deleted };
  }

  #leasesOf(puts: readonly Put[]): boolean {
    return puts.every(({ lease }) => lease === 0 || this.leases.has(lease));
  }

  #change(work: (state: ModelState, put: (put: Put) => void, remove: (key: string) => boolean) => void): void {
    const before = this.now;
    const state = new Map(before);
    const revision = this.revision + 1;
    const put = ({ key, value, lease }: Put): void => {
      const now = state.get(key);
      const former = now?.modified === revision ? (now.created === revision ? undefined : before.get(key)) : now;
      const version = (former?.version ?? 0) + 1;
      state.set(key, { value: hex(value), created: former?.created ?? revision, modified: revision, version, lease });
    };
    work(state, put, (key) => state.delete(key));
    const isSame = state.size === before.size && [...state].every(([key, record]) => before.get(key) === record);
    if (!isSame) this.states.push(state);
  }
}

function resultOf(op: TxnOp, state: ModelState, put: (put: Put) => void, remove: (key: string) => boolean): unknown {
  const within = (from: string, to: string): string[] =>
    [...state.keys()].filter((key) => key >= from && (to === '' || key < to)).sort();
  switch (op.type) {
    case 'put':
      put(op.put);
      return { type: 'put' };
    case 'delete':
      return { type: 'deleted', count: remove(op.key) ? 1 : 0 };
    case 'deleteRange':
      return { type: 'deleted', count: within(op.from, op.to).filter(remove).length };
    case 'get': {
      const record = state.get(op.key);
      return { type: 'records', records: record === undefined ? [] : [shown(op.key, record)], isMore: false };
    }
    case 'range': {
      const keys = within(op.from, op.to);
      const page = op.limit === 0 ? keys : keys.slice(0, op.limit);
      return { type: 'records', records: page.map((key) => shown(key, state.get(key)!)), isMore: page.length < keys.length };
    }
  }
}

function related(order: number, relation: string): boolean {
  if (relation === '=') return order === 0;
  if (relation === '!=') return order !== 0;
  return relation === '<' ? order < 0 : order > 0;
}

export function shown(key: string, record: ModelRecord): unknown {
  return { key, ...record };
}

/** A machine's reply as the model says it. */
export function plain(reply: MetaReply): unknown {
  if (reply.type === 'claimed') {
    const results = reply.results.map(({ before, ...rest }) => ({ ...rest, before: before && plainRecord(before) }));
    return { ...reply, results };
  }
  if (reply.type !== 'txn') return reply;
  return { ...reply, results: reply.results.map(plainResult) };
}

function plainResult(result: TxnResult): unknown {
  return result.type === 'records' ? { ...result, records: result.records.map(plainRecord) } : result;
}

export function plainRecord(record: {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly created: number;
  readonly modified: number;
  readonly version: number;
  readonly lease: number;
}): unknown {
  const { key, value, created, modified, version, lease } = record;
  return { key, value: hex(value!), created, modified, version, lease };
}
