/**
 * Wills of sessions whose home is this node, when they are due: the session asks whether its will is its own to publish, since the cluster may have taken this node for dead and done it (undertaker.ts). The answer is yes when the
 * entry says without the will that nobody has been first. Lives in the homes actor.
 */
import type { HomesCore } from './core.ts';
import { entryIn, recordOf } from './entry.ts';
import type { WillVerdict } from './messages.ts';

/** `record`: of the session, without the will. */
export function claimOwnWill(core: HomesCore, clientId: string, record: Uint8Array, then: (verdict: WillVerdict) => void): void {
  const { entries, directory, node } = core;
  if (entries.get(clientId)?.isMourned === true) return then('done');
  entries.keep(clientId, record, (isKept) => {
    if (isKept) return then('publish');
    directory.get(clientId, (found) => {
      if (found === undefined) return then('later');
      const there = entryIn(found);
      if (there?.home !== node || there.life !== entries.get(clientId)?.life || there.isMourned === true) return then('done');
      // Ours, of which we have not heard; or nobody's.
      then(recordOf(there)?.will === null ? 'publish' : 'later');
    });
  });
}
