import { defineProbe, type Probe } from '../../base/probe.ts';

export const HOMES_PROBE: Probe<'sessions' | 'moved' | 'adopted' | 'givenUp' | 'away' | 'further' | 'mourned' | 'buried'> =
  defineProbe('homes', {
    sessions: { name: 'sluice_homes_sessions', kind: 'gauge', help: 'Persistent sessions whose home is this node.' },
    moved: { name: 'sluice_homes_moved_total', kind: 'counter', help: 'Sessions that have come from another node.' },
    adopted: {
      name: 'sluice_homes_adopted_total',
      kind: 'counter',
      help: 'Sessions taken over from a node that does not answer.',
    },
    givenUp: {
      name: 'sluice_homes_given_up_total',
      kind: 'counter',
      help: 'Moves that came to nothing; the session stayed where it was.',
    },
    away: {
      name: 'sluice_homes_away',
      kind: 'gauge',
      help: 'Sessions that have moved while this node was away, and whose messages here are still to be sent on.',
    },
    further: {
      name: 'sluice_homes_further_messages_total',
      kind: 'counter',
      help: 'Messages sent on to the new home of a session.',
    },
    mourned: {
      name: 'sluice_homes_wills_published_total',
      kind: 'counter',
      help: 'Wills published by this node for clients whose node is dead.',
    },
    buried: {
      name: 'sluice_homes_expired_total',
      kind: 'counter',
      help: 'Sessions ended by this node, after their expiry, whose home is dead.',
    },
  });
