/**
 * Who on a node knows an inbox: what the node's metadata has of it, by the prefix of its key. At start the store forgets inboxes that nobody knows (made ahead, and not used by the time that the node ended), and gives their numbers
 * away; so whatever keeps an inbox over a restart has to be here.
 */
import { decodeLeftNote } from '../homes/notes.ts';
import { KEYS } from '../metadata/messages.ts';
import { shardIn } from '../relay/backlogs.ts';
import { decodeSession } from '../session/record.ts';

/** The inbox that a value with that prefix is about; undefined: a value that this version cannot read. */
export const INBOX_HOLDERS: readonly { readonly prefix: string; readonly inboxIn: (value: Uint8Array) => number | undefined }[] =
  [
    { prefix: KEYS.session, inboxIn: (value) => decodeSession(value)?.shard },
    // Of a session that has left the node, and that something may still come for.
    { prefix: KEYS.left, inboxIn: (value) => decodeLeftNote(value)?.shard },
    // For another node.
    { prefix: KEYS.backlog, inboxIn: shardIn },
  ];
