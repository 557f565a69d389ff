/**
 * The state machine of a metadata group: keys with revisions, leases, and the newest history. Deterministic: a function of the commands alone, on every replica and after
 * every restart. One revision per command that changes anything. Values may be in the store alone (`record.ts`): whoever feeds the machine brings those in that a
 * command looks at (`coldKeys`), so where a value lies never shows.
 */

import { assert } from '../../base/assert.ts';
import { ownBytes } from '../../base/bytes.ts';
import { MalformedBytes } from '../raft/codec/byte-reader.ts';
import type { CommandMachine } from '../raft/sessions/session-machine.ts';
import { decodeCommand } from './codec/command-codec.ts';
import { encodeReply } from './codec/reply-codec.ts';
import { bytesOfPut, type Claim, type MetaCommand, type MetaReply, type Put, type TxnOp } from './command.ts';
import { piecesOf, readPiece } from './image.ts';
import { DEFAULT_BOUNDS, type MetaBounds } from './state/bounds.ts';
import { coldKeysOf } from './state/cold-keys.ts';
import { holds } from './state/compare.ts';
import { History, type Step, stepBytes } from './state/history.ts';
import { Keyspace } from './state/keyspace.ts';
import { Leases } from './state/leases.ts';
import { type MetaKey, type MetaRecord, recordBytes } from './state/record.ts';
import { Revision } from './state/revision.ts';
import { carryOut } from './state/transaction.ts';

/** Who wants to know what changes. */
export interface MetaObserver {
  /** A revision; its changes are in force. */
  stepped(step: Step): void;
  /** A lease was granted, or has ended. */
  leased(id: number): void;
}

export class MetaMachine implements CommandMachine {
  readonly keyspace: Keyspace = new Keyspace();
  readonly leases: Leases = new Leases();
  readonly history: History;
  readonly #bounds: MetaBounds;
  readonly #observers: MetaObserver[] = [];
  revision = 0;
  /** Of the leader that made the entry which is being applied. */
  term = 0;

  constructor(bounds: MetaBounds = DEFAULT_BOUNDS) {
    this.#bounds = bounds;
    this.history = new History(bounds.history);
  }

  observe(observer: MetaObserver): void {
    this.#observers.push(observer);
  }

  apply(bytes: Uint8Array): Uint8Array {
    let command: MetaCommand;
    try {
      command = decodeCommand(ownBytes(bytes, 0, bytes.length));
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      return encodeReply({ type: 'refused', reason: 'malformed' });
    }
    return encodeReply(this.do(command));
  }

  /** Values of `command` are the machine's from now on. */
  do(command: MetaCommand): MetaReply {
    switch (command.type) {
      case 'write':
        return this.#write(command.puts, command.deletes);
      case 'claim':
        return this.#claim(command.claims, command.wantsBefore);
      case 'txn':
        return this.#txn(command);
      case 'grant':
        return this.#grant(command.id, command.ttlMs);
      case 'revoke':
        return this.#end(command.ids.filter((id) => this.leases.get(id) !== undefined));
      case 'expire':
        return this.#expire(command);
    }
  }

  /** Keys whose values a command looks at and that lie in the store alone. */
  coldKeys(bytes: Uint8Array): MetaKey[] {
    if (this.keyspace.isHot) return [];
    try {
      return coldKeysOf(decodeCommand(bytes), this.keyspace);
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      return [];
    }
  }

  pieces(): Iterator<Uint8Array> {
    return piecesOf(this);
  }

  beginRestore(): void {
    this.keyspace.clear();
    this.leases.clear(1);
    this.history.reset(0);
    this.revision = 0;
  }

  restore(piece: Uint8Array): void {
    readPiece(this, piece);
  }

  #write(puts: readonly Put[], deletes: readonly MetaKey[]): MetaReply {
    const refusal = this.#refusalOf(puts);
    if (refusal !== undefined) return refusal;
    const change = this.#begin();
    let deleted = 0;
    for (const key of deletes) if (change.delete(key)) deleted++;
    for (const put of puts) change.put(put.key, bytesOfPut(put)!, put.lease);
    return { type: 'written', revision: this.#commit(change), deleted };
  }

  #claim(claims: readonly Claim[], wantsBefore: boolean): MetaReply {
    const refusal = this.#refusalOf(claims);
    if (refusal !== undefined) return refusal;
    const change = this.#begin();
    const results = claims.map((claim) => {
      const { key, expected, lease } = claim;
      const before = this.keyspace.get(key);
      const modified = before?.modified ?? 0;
      const isDone = expected < 0 || expected === modified;
      const bytes = bytesOfPut(claim);
      if (isDone && bytes !== undefined) change.put(key, bytes, lease, before);
      else if (isDone) change.delete(key, before);
      const now = isDone ? (bytes === undefined ? 0 : change.revision) : modified;
      return { isDone, modified: now, before: wantsBefore ? before : undefined };
    });
    return { type: 'claimed', revision: this.#commit(change), results };
  }

  #txn({ compares, success, failure }: Extract<MetaCommand, { type: 'txn' }>): MetaReply {
    const isSuccess = compares.every((compare) => holds(compare, this.keyspace.get(compare.key)));
    const ops: readonly TxnOp[] = isSuccess ? success : failure;
    const refusal = this.#refusalOf(ops.flatMap((op) => (op.type === 'put' ? [op.put] : [])));
    if (refusal !== undefined) return refusal;
    const change = this.#begin();
    const results = carryOut(ops, change, this.keyspace);
    return { type: 'txn', revision: this.#commit(change), isSuccess, results };
  }

  #grant(id: number, ttlMs: number): MetaReply {
    const { leasesMax, ttlMsMin, ttlMsMax } = this.#bounds;
    if (ttlMs < ttlMsMin || ttlMs > ttlMsMax) return { type: 'refused', reason: 'bad_ttl' };
    if (this.leases.size >= leasesMax) return { type: 'refused', reason: 'too_many_leases' };
    if (this.leases.get(id) !== undefined) return { type: 'refused', reason: 'lease_exists' };
    const granted = this.leases.grant(id, ttlMs);
    this.#leased(granted);
    return { type: 'granted', id: granted, ttlMs };
  }

  #expire({ term, leases }: Extract<MetaCommand, { type: 'expire' }>): MetaReply {
    const due = term === this.term ? leases.filter(({ id, grant }) => this.leases.get(id)?.grant === grant) : [];
    return this.#end(due.map(({ id }) => id));
  }

  /** Ends leases that are there, and all that hangs on them. */
  #end(ids: readonly number[]): MetaReply {
    const change = this.#begin();
    let ended = 0;
    let deleted = 0;
    for (const id of ids) {
      if (this.leases.get(id) === undefined) continue;
      for (const key of this.leases.keysOf(id)) if (change.delete(key)) deleted++;
      this.leases.remove(id);
      this.#leased(id);
      ended++;
    }
    return { type: 'ended', revision: this.#commit(change), ended, deleted };
  }

  /** Before anything is changed: a command is done as a whole. */
  #refusalOf(puts: readonly (Put | Claim)[]): MetaReply | undefined {
    let bytes = 0;
    for (const put of puts) {
      const value = bytesOfPut(put);
      if (value === undefined) continue;
      if (put.lease !== 0 && this.leases.get(put.lease) === undefined) return { type: 'refused', reason: 'no_such_lease' };
      bytes += recordBytes(put.key.length, value.length);
    }
    return bytes > 0 && this.keyspace.bytes + bytes > this.#bounds.bytesMax ? { type: 'refused', reason: 'full' } : undefined;
  }

  #begin(): Revision {
    return new Revision(this.revision + 1, this.keyspace, this.leases);
  }

  #commit(change: Revision): number {
    const changes = change.changes();
    if (changes.length === 0) return this.revision;
    this.revision = change.revision;
    const step: Step = { revision: this.revision, changes, bytes: stepBytes(changes) };
    this.history.push(step);
    for (const observer of this.#observers) observer.stepped(step);
    return this.revision;
  }

  #leased(id: number): void {
    for (const observer of this.#observers) observer.leased(id);
  }

  /** A value from the store, for a record that is as it was. */
  warm(record: MetaRecord, value: Uint8Array): void {
    assert(value.length === record.valueBytes, 'the store has the value of the record');
    if (this.keyspace.get(record.key) === record) this.keyspace.replace(record, { ...record, value });
  }
}
