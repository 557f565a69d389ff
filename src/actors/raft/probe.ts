import { defineProbe, type Probe } from '../../base/probe.ts';

type Key =
  | 'groups'
  | 'leaders'
  | 'poisoned'
  | 'framesSent'
  | 'framesReceived'
  | 'framesMalformed'
  | 'framesForStrangers'
  | 'messagesReceived'
  | 'batchesWritten'
  | 'entriesWritten'
  | 'roleChanges';

export const RAFT_PROBE: Probe<Key> = defineProbe('raft', {
  groups: { name: 'sluice_raft_groups', kind: 'gauge', help: 'Raft groups with a replica on this thread.' },
  leaders: { name: 'sluice_raft_leaders', kind: 'gauge', help: 'Groups whose leader is on this thread.' },
  poisoned: {
    name: 'sluice_raft_groups_poisoned',
    kind: 'gauge',
    help: 'Groups that have stopped because of a fault in their state.',
  },
  framesSent: {
    name: 'sluice_raft_frames_sent_total',
    kind: 'counter',
    help: 'Frames sent to other nodes: one per turn, peer and lane.',
  },
  framesReceived: { name: 'sluice_raft_frames_received_total', kind: 'counter', help: 'Frames received from other nodes.' },
  framesMalformed: {
    name: 'sluice_raft_frames_malformed_total',
    kind: 'counter',
    help: 'Frames that were refused as malformed.',
  },
  framesForStrangers: {
    name: 'sluice_raft_frames_for_strangers_total',
    kind: 'counter',
    help: 'Frames for an earlier incarnation of this node, which has lost its disk since.',
  },
  messagesReceived: { name: 'sluice_raft_messages_received_total', kind: 'counter', help: 'Messages in those frames.' },
  batchesWritten: {
    name: 'sluice_raft_batches_written_total',
    kind: 'counter',
    help: 'Batches written, each for all groups of a turn.',
  },
  entriesWritten: { name: 'sluice_raft_entries_written_total', kind: 'counter', help: 'Log entries written.' },
  roleChanges: { name: 'sluice_raft_role_changes_total', kind: 'counter', help: 'Changes of role, term or leader of a group.' },
});
