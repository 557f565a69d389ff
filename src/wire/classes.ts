/**
 * The four classes of traffic between nodes. A class has its own queue, credit and byte budget per turn, so heartbeats do not
 * wait behind bulk. Order holds within a class, between one sender and one receiver.
 *
 * Raw bytes choose their class by the two top bits of their kind; a plain small number is `data`. Everything else that
 * actors say to each other (tells, asks, replies, watches) is `control`.
 *
 *     15  14  13                       0
 *    +------+---------------------------+
 *    | class| number of the protocol    |     00 data · 01 control · 10 urgent · 11 snapshot
 *    +------+---------------------------+
 */
import { assert } from '../base/assert.ts';
import { RECORD } from '../runtime/envelope.ts';

export const CLASS = { urgent: 0, control: 1, data: 2, snapshot: 3 } as const;
export type WireClass = (typeof CLASS)[keyof typeof CLASS];

/** By class, from the most urgent on. */
export const CLASS_NAMES = ['urgent', 'control', 'data', 'snapshot'] as const;
export const CLASSES: readonly WireClass[] = [CLASS.urgent, CLASS.control, CLASS.data, CLASS.snapshot];

const CLASS_OF_BITS: readonly WireClass[] = [CLASS.data, CLASS.control, CLASS.urgent, CLASS.snapshot];
const BITS_OF_CLASS: readonly number[] = [2, 1, 0, 3];
const NUMBER_MAX = 2 ** 14 - 1;

/** The `kind` for `tellBytes` that travels in `cls`. Receivers see the whole kind. */
export function kindIn(cls: WireClass, number: number): number {
  assert(number >= 0 && number <= NUMBER_MAX, 'kind number out of range');
  return (BITS_OF_CLASS[cls]! << 14) | number;
}

/** The number of the protocol in a kind that was made by `kindIn`. */
export function numberOf(kind: number): number {
  return kind & NUMBER_MAX;
}

export function classOf(type: number, kind: number): WireClass {
  return type === RECORD.bytes ? CLASS_OF_BITS[kind >>> 14]! : CLASS.control;
}
