/** What has gone wrong with a call, as a user's error. */
import { SluiceError } from '../../../base/errors.ts';
import type { MetaFailure, Outcome } from './outcome.ts';

const REFUSALS: Readonly<Record<Exclude<MetaFailure, 'unavailable' | 'busy' | 'unknown' | 'compacted' | 'future'>, string>> = {
  malformed: 'the group cannot read it; a node of another version, perhaps',
  too_large: 'it is larger than a command may be',
  full: 'the group holds as much as it may: delete something',
  no_such_lease: 'there is no such lease, or not any more',
  lease_exists: 'there is such a lease already',
  too_many_leases: 'the group has as many leases as it may',
  bad_ttl: 'a lease is not that short or long',
};

export function metaError(failure: MetaFailure, revision: number): SluiceError {
  switch (failure) {
    case 'unavailable':
      return new SluiceError('SLUICE_META_UNAVAILABLE', 'the group has no leader that answers; nothing was done');
    case 'busy':
      return new SluiceError('SLUICE_META_BUSY', 'too much is under way; nothing was done');
    case 'unknown':
      return new SluiceError('SLUICE_META_UNKNOWN', 'nobody has said whether it was done');
    case 'compacted':
      return new SluiceError('SLUICE_META_COMPACTED', `it is compacted; the oldest revision that is there is ${revision}`);
    case 'future':
      return new SluiceError('SLUICE_META_FUTURE', `the group is at revision ${revision}`);
    default:
      return new SluiceError('SLUICE_META_REFUSED', REFUSALS[failure]);
  }
}

/** As a promise has it. */
export function settled<T>(resolve: (value: T) => void, reject: (error: SluiceError) => void): (outcome: Outcome<T>) => void {
  return (outcome) => (outcome.isOk ? resolve(outcome.value) : reject(metaError(outcome.failure, outcome.revision)));
}
