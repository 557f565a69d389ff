/** What a group holds at most. The same on all replicas: they decide by it what a command does. */
import {
  META_GROUP_BYTES_MAX,
  META_HISTORY_BYTES_MAX,
  META_HISTORY_REVISIONS_MAX,
  META_LEASE_TTL_MS_MAX,
  META_LEASE_TTL_MS_MIN,
  META_LEASES_MAX,
} from '../../../base/limits.ts';
import type { HistoryBounds } from './history.ts';

export interface MetaBounds {
  readonly bytesMax: number;
  readonly leasesMax: number;
  readonly ttlMsMin: number;
  readonly ttlMsMax: number;
  /** May differ between replicas: nothing is decided by it. */
  readonly history: HistoryBounds;
}

export const DEFAULT_BOUNDS: MetaBounds = {
  bytesMax: META_GROUP_BYTES_MAX,
  leasesMax: META_LEASES_MAX,
  ttlMsMin: META_LEASE_TTL_MS_MIN,
  ttlMsMax: META_LEASE_TTL_MS_MAX,
  history: { revisionsMax: META_HISTORY_REVISIONS_MAX, bytesMax: META_HISTORY_BYTES_MAX },
};
