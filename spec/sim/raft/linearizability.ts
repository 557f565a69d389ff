/**
 * Is there an order of these operations, each somewhere between its call and its return, in which every one answers as it did? Wing and Gong's search with Lowe's memory: a
 * depth-first walk that takes operations out of the history one by one, and never looks twice at the same set of taken operations with the same state.
 *
 * Histories are parted by key first: they are linearizable exactly if each part is. The search is bounded; what it cannot decide is `unknown`, which is a fault of the
 * test's design and is treated as one.
 */
export interface Operation<I, O> {
  readonly input: I;
  readonly output: O;
  /** Both ends count. An operation whose answer nobody saw, but that has happened, has its return at infinity. */
  readonly callMs: number;
  readonly returnMs: number;
}

export interface Model<S extends string | number, I, O> {
  readonly initial: S;
  /** The state after, or undefined when the operation cannot answer so in this state. */
  step(state: S, input: I, output: O): S | undefined;
}

export type LinearizabilityVerdict = 'ok' | 'illegal' | 'unknown';

interface Event {
  readonly operation: number;
  readonly isCall: boolean;
  next: Event | undefined;
  prev: Event | undefined;
  /** Of a call. */
  readonly match: Event | undefined;
}

const STEPS_MAX = 2_000_000;

export function checkLinearizable<S extends string | number, I, O>(
  model: Model<S, I, O>,
  history: readonly Operation<I, O>[],
  stepsMax: number = STEPS_MAX,
): LinearizabilityVerdict {
  const head = linked(history);
  const taken = new Uint32Array((history.length + 31) >> 5);
  const seen = new Set<string>();
  const calls: { readonly event: Event; readonly state: S }[] = [];
  let { initial: state } = model;
  let event = head.next;
  let steps = 0;
  while (head.next !== undefined) {
    if (++steps > stepsMax) return 'unknown';
    if (event?.isCall) {
      const { input, output } = history[event.operation]!;
      const after = model.step(state, input, output);
      if (after !== undefined && isNew(seen, taken, event.operation, after)) {
        calls.push({ event, state });
        state = after;
        flip(taken, event.operation);
        lift(event);
        event = head.next;
      } else {
        event = event.next;
      }
      continue;
    }
    // A return whose call has not been taken: something before was taken wrongly.
    const last = calls.pop();
    if (last === undefined) return 'illegal';
    state = last.state;
    flip(taken, last.event.operation);
    unlift(last.event);
    event = last.event.next;
  }
  return 'ok';
}

/** Parts a history, and checks part after part. */
export function checkByKey<S extends string | number, I, O>(
  model: Model<S, I, O>,
  history: readonly Operation<I, O>[],
  keyOf: (input: I) => string,
): { readonly verdict: LinearizabilityVerdict; readonly key: string } {
  const parts = new Map<string, Operation<I, O>[]>();
  for (const operation of history) {
    const key = keyOf(operation.input);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [operation]);
    else part.push(operation);
  }
  let undecided = '';
  // Small budgets first: a violation in one part is not kept waiting by another that is hard to search.
  for (let stepsMax = 10_000; parts.size > 0 && stepsMax <= STEPS_MAX; stepsMax *= 14) {
    for (const [key, part] of parts) {
      const verdict = checkLinearizable(model, part, stepsMax);
      if (verdict === 'illegal') return { verdict, key };
      if (verdict === 'ok') parts.delete(key);
      else undecided = key;
    }
  }
  return parts.size > 0 ? { verdict: 'unknown', key: undecided } : { verdict: 'ok', key: '' };
}

function linked<I, O>(history: readonly Operation<I, O>[]): Event {
  interface Edge {
    readonly atMs: number;
    readonly operation: number;
    readonly isCall: boolean;
  }
  const edges: Edge[] = history.flatMap(({ callMs, returnMs }, operation) => [
    { atMs: callMs, operation, isCall: true },
    { atMs: returnMs, operation, isCall: false },
  ]);
  // Intervals are closed: at the same time calls come before returns.
  edges.sort((a, b) => (a.atMs < b.atMs ? -1 : a.atMs > b.atMs ? 1 : Number(b.isCall) - Number(a.isCall)));
  const returns = new Map<number, Event>();
  const head: Event = { operation: -1, isCall: false, next: undefined, prev: undefined, match: undefined };
  let next: Event | undefined;
  for (let i = edges.length - 1; i >= 0; i--) {
    const { operation, isCall } = edges[i]!;
    const event: Event = { operation, isCall, next, prev: undefined, match: isCall ? returns.get(operation) : undefined };
    if (!isCall) returns.set(operation, event);
    if (next !== undefined) next.prev = event;
    next = event;
  }
  head.next = next;
  if (next !== undefined) next.prev = head;
  return head;
}

function isNew(seen: Set<string>, taken: Uint32Array, operation: number, state: string | number): boolean {
  flip(taken, operation);
  const key = `${taken.join()}|${state}`;
  flip(taken, operation);
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function flip(taken: Uint32Array, operation: number): void {
  taken[operation >> 5]! ^= 1 << (operation & 31);
}

function lift(call: Event): void {
  unlink(call);
  unlink(call.match!);
}

function unlift(call: Event): void {
  relink(call.match!);
  relink(call);
}

function unlink(event: Event): void {
  event.prev!.next = event.next;
  if (event.next !== undefined) event.next.prev = event.prev;
}

function relink(event: Event): void {
  event.prev!.next = event;
  if (event.next !== undefined) event.next.prev = event;
}
