/**
 * The metadata of a node: small facts by key that must not be lost, such as declared topics and sessions. One actor per node; who needs to know asks it. Keys are
 * byte strings in order; a prefix per kind of fact (KEYS).
 */
import { type ActorRef, wellKnownRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';

/** Its slot among the well-known actors of the store thread. */
export const METADATA_SLOT = 3;

export function metadataRef(system: ActorSystem): ActorRef<MetadataMessage> {
  return wellKnownRef<MetadataMessage>(system.node, system.reactors + 1, METADATA_SLOT);
}

/** Prefixes of keys. */
export const KEYS = { topic: 't/', session: 's/', home: 'h/', left: 'l/', retained: 'r/', delayed: 'd/', backlog: 'b/' } as const;

/** All or nothing. Answered by `true` when it is durable, or if not `sync`, when it is written. */
export interface WriteMetadata {
  readonly type: 'write';
  readonly puts: readonly (readonly [key: string, value: Uint8Array])[];
  readonly deletes: readonly string[];
  readonly sync: boolean;
}

/** Answered by a `MetadataValues`. */
export interface ReadMetadata {
  readonly type: 'read';
  readonly keys: readonly string[];
}

/** A page of what begins with `prefix`, in order. Answered by a `MetadataPage`. */
export interface ScanMetadata {
  readonly type: 'scan';
  readonly prefix: string;
  /** Last key of the page before; absent for the first. */
  readonly after?: string;
  /** Most entries of the page. */
  readonly limit: number;
}

export type MetadataMessage = WriteMetadata | ReadMetadata | ScanMetadata;

export interface MetadataValues {
  /** In order of the keys; null where there is nothing. */
  readonly values: readonly (Uint8Array | null)[];
}

export interface MetadataPage {
  readonly entries: readonly (readonly [key: string, value: Uint8Array])[];
  /** Nothing follows. */
  readonly isLast: boolean;
}

/** In the place of any answer: it could not be done. */
export interface MetadataFailure {
  readonly code: string;
  readonly message: string;
}
