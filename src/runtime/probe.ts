/** The runtime's counters and gauges, one set per thread. */
import { defineProbe, type Probe } from '../base/probe.ts';

type RuntimeMetric =
  | 'turns'
  | 'messages'
  | 'records'
  | 'deadLetters'
  | 'restarts'
  | 'failures'
  | 'asksTimedOut'
  | 'linkRefusals'
  | 'actors'
  | 'mailboxDepth'
  | 'timers'
  | 'asks'
  | 'ringBytes';

export const RUNTIME_PROBE: Probe<RuntimeMetric> = defineProbe('runtime', {
  turns: { name: 'sluice_runtime_turns_total', kind: 'counter', help: 'Turns of the event loop that ran actors.' },
  messages: {
    name: 'sluice_runtime_messages_total',
    kind: 'counter',
    help: 'Messages, I/O events and timers handled by actors.',
  },
  records: { name: 'sluice_runtime_ring_records_total', kind: 'counter', help: 'Records received from other threads.' },
  deadLetters: { name: 'sluice_runtime_dead_letters_total', kind: 'counter', help: 'Messages that reached no actor.' },
  restarts: { name: 'sluice_runtime_actor_restarts_total', kind: 'counter', help: 'Actors restarted by their supervisor.' },
  failures: { name: 'sluice_runtime_actor_failures_total', kind: 'counter', help: 'Errors thrown by actors.' },
  asksTimedOut: { name: 'sluice_runtime_asks_timed_out_total', kind: 'counter', help: 'Asks without an answer in time.' },
  linkRefusals: {
    name: 'sluice_runtime_link_refusals_total',
    kind: 'counter',
    help: 'Writes to another thread refused because its ring was full.',
  },
  actors: { name: 'sluice_runtime_actors', kind: 'gauge', help: 'Living actors.' },
  mailboxDepth: { name: 'sluice_runtime_mailbox_messages', kind: 'gauge', help: 'Messages waiting in mailboxes.' },
  timers: { name: 'sluice_runtime_timers', kind: 'gauge', help: 'Timers pending.' },
  asks: { name: 'sluice_runtime_asks', kind: 'gauge', help: 'Asks under way.' },
  ringBytes: { name: 'sluice_runtime_ring_bytes', kind: 'gauge', help: 'Bytes waiting in inbound rings.' },
});
