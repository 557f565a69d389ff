/** The metadata as tools reach it: over HTTP of whichever node is there, which asks with a client of its own. Of what clients can ask only reads, puts and deletions of a key, under a condition on its revision or without. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Values } from '../../../src/actors/meta/client/open-call.ts';
import { failed, type MetaFailure, type Outcome } from '../../../src/actors/meta/client/outcome.ts';
import type { Claim, MetaCommand, MetaReply, Put } from '../../../src/actors/meta/command.ts';
import type { MetaRecord } from '../../../src/actors/meta/state/record.ts';
import { groupName } from '../../../src/actors/raft/group-id.ts';
import type { Prng } from '../../../src/base/prng.ts';
import type { KeyView, PageView } from '../../../src/nodes/meta/routes.ts';
import type { LocalNode } from '../../cluster/local-cluster.ts';
import type { KeyPort } from './meta-port.ts';

const ELSEWHERE_MS = 50;
/** What nodes say of calls that have not been done, and of those of which they do not know. */
const FAILURES: Readonly<Record<string, MetaFailure>> = {
  SLUICE_META_UNAVAILABLE: 'unavailable',
  SLUICE_META_BUSY: 'busy',
  SLUICE_META_UNKNOWN: 'unknown',
  SLUICE_HTTP_UNAVAILABLE: 'unavailable',
};

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class HttpPort implements KeyPort {
  readonly #nodes: readonly LocalNode[];
  readonly #prng: Prng;

  constructor(nodes: readonly LocalNode[], prng: Prng) {
    this.#nodes = nodes;
    this.#prng = prng;
  }

  async get(group: number, [key]: readonly [string], deadlineMs: number): Promise<Outcome<Values>> {
    // Of a key alone the answer has no revision of the group.
    const query = new URLSearchParams({ kind: kindOf(group), prefix: key, limit: '1' });
    const answer = await this.#ask('GET', `/api/v1/meta/keys?${query}`, undefined, deadlineMs);
    if (answer?.status !== 200) return failed(failureOf(answer, 'unavailable'));
    const { revision, keys } = answer.body as PageView;
    const found = keys.find((view) => view.key === key);
    return { isOk: true, value: { revision, records: [found && recordOf(found)] } };
  }

  async command(group: number, command: MetaCommand, deadlineMs: number): Promise<Outcome<MetaReply>> {
    const [answer, isDelete] =
      command.type === 'write' && command.deletes.length > 0
        ? [await this.#delete(group, command.deletes[0]!, deadlineMs), true]
        : [await this.#put(group, putOf(command), deadlineMs), false];
    if (answer?.status === 200) {
      const { revision } = answer.body as { readonly revision: number };
      return { isOk: true, value: { type: 'written', revision, deleted: isDelete ? 1 : 0 } };
    }
    const code = codeOf(answer);
    if (code === 'SLUICE_META_NO_KEY') return { isOk: true, value: { type: 'written', revision: 0, deleted: 0 } };
    if (code === 'SLUICE_META_CONFLICT') {
      const results = [{ isDone: false, modified: 0, before: undefined }];
      return { isOk: true, value: { type: 'claimed', revision: 0, results } };
    }
    return failed(failureOf(answer, 'unknown'));
  }

  #delete(group: number, key: string, deadlineMs: number): Promise<Answer | undefined> {
    return this.#ask('DELETE', `/api/v1/meta/key?${new URLSearchParams({ kind: kindOf(group), key })}`, undefined, deadlineMs);
  }

  #put(group: number, { key, value, ...rest }: Put | Claim, deadlineMs: number): Promise<Answer | undefined> {
    const body = {
      kind: kindOf(group),
      key,
      value: Buffer.from(value!).toString('utf8'),
      ...('expected' in rest ? { expected: rest.expected } : {}),
    };
    return this.#ask('PUT', '/api/v1/meta/key', body, deadlineMs);
  }

  /** Undefined: nobody has answered. */
  async #ask(method: string, path: string, body: unknown, deadlineMs: number): Promise<Answer | undefined> {
    const nodes = this.#nodes.filter(({ isRunning, ready }) => isRunning && ready !== undefined);
    const http = nodes[this.#prng.below(Math.max(1, nodes.length))]?.ready?.http;
    try {
      const response = await fetch(`http://${http}${path}`, {
        method,
        signal: AbortSignal.timeout(deadlineMs),
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    } catch {
      await pause(ELSEWHERE_MS);
      return undefined;
    }
  }
}

function kindOf(group: number): string {
  return groupName(group).split('/')[0]!;
}

function putOf(command: MetaCommand): Put | Claim {
  if (command.type === 'write') return command.puts[0]!;
  if (command.type === 'claim') return command.claims[0]!;
  throw new Error(`there is no ${command.type} over HTTP`);
}

function recordOf({ key, value, encoding, created, modified, version, lease = 0 }: KeyView): MetaRecord {
  const bytes = Buffer.from(value, encoding ?? 'utf8');
  return { key, value: bytes, valueBytes: bytes.length, created, modified, version, lease };
}

function codeOf(answer: Answer | undefined): string {
  return String((answer?.body as { readonly code?: unknown } | undefined)?.code);
}

/** An answer of another kind counts as one of a group, which nobody should get. */
function failureOf(answer: Answer | undefined, unanswered: MetaFailure): MetaFailure {
  return answer === undefined ? unanswered : (FAILURES[codeOf(answer)] ?? 'malformed');
}
