/** Which values a command looks at that are not in memory. Rather too many than too few: both branches of a transaction count, as the state was before it. */
import type { MetaCommand, TxnOp } from '../command.ts';
import type { Keyspace } from './keyspace.ts';
import { isHot, type MetaKey, type MetaRecord } from './record.ts';
import { pageOf } from './transaction.ts';

export function coldKeysOf(command: MetaCommand, keyspace: Keyspace): MetaKey[] {
  const cold: MetaKey[] = [];
  const look = (record: MetaRecord | undefined): void => {
    if (record !== undefined && !isHot(record)) cold.push(record.key);
  };
  if (command.type === 'claim' && command.wantsBefore) for (const { key } of command.claims) look(keyspace.get(key));
  if (command.type !== 'txn') return cold;
  for (const { key, target } of command.compares) if (target === 'value') look(keyspace.get(key));
  for (const ops of [command.success, command.failure]) for (const op of ops) lookAt(op, ops, keyspace, look);
  return cold;
}

function lookAt(op: TxnOp, ops: readonly TxnOp[], keyspace: Keyspace, look: (record: MetaRecord | undefined) => void): void {
  if (op.type === 'get') look(keyspace.get(op.key));
  if (op.type !== 'range') return;
  // Deletions before it in the same transaction bring further keys onto its page: then all of the range counts.
  const isMoving = ops.some(({ type }) => type === 'delete' || type === 'deleteRange');
  const found = keyspace.range(op.from, op.to);
  for (const record of isMoving ? found : pageOf(found, op.limit, Number.POSITIVE_INFINITY).records) look(record);
}
