/** What the thread of a store is asked, and what it says. Calls are carried out in their order; each has one answer, but for the end of a snapshot. */
import type { ErrorCode } from '../../base/errors.ts';
import type { KvEntry, KvRange } from './local-kv.ts';

export interface KvBirth {
  readonly directory: string;
}

/** `memory`: the packed operations, `bytes` of it; it goes back with the answer. `snapshot`: which one is read; 0: the store as it is. */
export type KvCall =
  | {
      readonly type: 'batch';
      readonly memory: ArrayBuffer;
      readonly bytes: number;
      readonly count: number;
      readonly sync: boolean;
    }
  | { readonly type: 'getMany'; readonly keys: readonly Uint8Array[]; readonly snapshot: number }
  | { readonly type: 'scan'; readonly range: KvRange; readonly snapshot: number }
  | { readonly type: 'snapshot'; readonly snapshot: number }
  | { readonly type: 'release'; readonly snapshot: number }
  | { readonly type: 'checkpoint'; readonly directory: string }
  | { readonly type: 'close' };

export type KvAnswer =
  | { readonly isOk: true; readonly value: undefined | ArrayBuffer | (Uint8Array | undefined)[] | KvEntry[] }
  | { readonly isOk: false; readonly code: ErrorCode; readonly text: string };

/** The first message, when the store is open or cannot be opened, has the number 0. */
export interface Numbered<T> {
  readonly number: number;
  readonly body: T;
}
