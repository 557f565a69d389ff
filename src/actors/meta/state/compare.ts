/** The conditions of a transaction. */
import type { Compare } from '../command.ts';
import type { MetaRecord } from './record.ts';

export function holds({ target, relation, operand }: Compare, record: MetaRecord | undefined): boolean {
  const order = target === 'value' ? orderOfValue(record, operand as Uint8Array) : (record?.[target] ?? 0) - (operand as number);
  switch (relation) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '>':
      return order > 0;
  }
}

/** A value that is not there is less than any. */
function orderOfValue(record: MetaRecord | undefined, operand: Uint8Array): number {
  return record === undefined ? -1 : Buffer.compare(record.value!, operand);
}
