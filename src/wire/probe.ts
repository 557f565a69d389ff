/** Counters of the wire, one set per thread. What a single peer did is in the wire actor's `inspect()`. */
import { defineProbe, type Probe } from '../base/probe.ts';

type WireMetric =
  | 'framesOut'
  | 'framesIn'
  | 'messagesOut'
  | 'messagesIn'
  | 'bytesOut'
  | 'bytesIn'
  | 'full'
  | 'lost'
  | 'dials'
  | 'losses'
  | 'refusedHandshake'
  | 'refusedFrame'
  | 'links'
  | 'pipesIn'
  | 'queued'
  | 'heldFrames';

const DIRECTION = { out: { direction: 'out' }, in: { direction: 'in' } } as const;

export const WIRE_PROBE: Probe<WireMetric> = defineProbe('wire', {
  framesOut: { name: 'sluice_wire_frames_total', kind: 'counter', labels: DIRECTION.out, help: 'Frames between nodes.' },
  framesIn: { name: 'sluice_wire_frames_total', kind: 'counter', labels: DIRECTION.in, help: 'Frames between nodes.' },
  messagesOut: { name: 'sluice_wire_messages_total', kind: 'counter', labels: DIRECTION.out, help: 'Messages between nodes.' },
  messagesIn: { name: 'sluice_wire_messages_total', kind: 'counter', labels: DIRECTION.in, help: 'Messages between nodes.' },
  bytesOut: { name: 'sluice_wire_bytes_total', kind: 'counter', labels: DIRECTION.out, help: 'Bytes of frames between nodes.' },
  bytesIn: { name: 'sluice_wire_bytes_total', kind: 'counter', labels: DIRECTION.in, help: 'Bytes of frames between nodes.' },
  full: {
    name: 'sluice_wire_refusals_total',
    kind: 'counter',
    help: 'Messages not taken because the queue to their node was full.',
  },
  lost: {
    name: 'sluice_wire_messages_lost_total',
    kind: 'counter',
    help: 'Messages that waited for a node when its link was lost.',
  },
  dials: { name: 'sluice_wire_dials_total', kind: 'counter', help: 'Attempts to reach another node.' },
  losses: { name: 'sluice_wire_links_lost_total', kind: 'counter', help: 'Links to other nodes that stood and were lost.' },
  refusedHandshake: {
    name: 'sluice_wire_connections_refused_total',
    kind: 'counter',
    labels: { phase: 'handshake' },
    help: 'Connections closed because of what the other side sent.',
  },
  refusedFrame: {
    name: 'sluice_wire_connections_refused_total',
    kind: 'counter',
    labels: { phase: 'connected' },
    help: 'Connections closed because of what the other side sent.',
  },
  links: { name: 'sluice_wire_links', kind: 'gauge', help: 'Links to other nodes that stand, one per thread and node.' },
  pipesIn: { name: 'sluice_wire_connections_in', kind: 'gauge', help: 'Connections from other nodes, handshakes included.' },
  queued: { name: 'sluice_wire_queue_bytes', kind: 'gauge', help: 'Bytes that wait for other nodes.' },
  heldFrames: {
    name: 'sluice_wire_held_frames',
    kind: 'gauge',
    help: 'Frames that came and wait for room at their target thread.',
  },
});
