import { defineProbe, type MetricSpec, type Probe } from '../../base/probe.ts';

type SessionMetric =
  | 'connections'
  | 'sessions'
  | 'connects'
  | 'recognised'
  | 'receivedQos0'
  | 'receivedQos1'
  | 'receivedQos2'
  | 'sentQos0'
  | 'sentQos1'
  | 'sentQos2'
  | 'bytesReceived'
  | 'bytesSent'
  | 'droppedSlowClient'
  | 'droppedQueueFull'
  | 'droppedUndeliverable'
  | 'refusedConnects'
  | 'malformedPackets'
  | 'protocolErrors'
  | 'packetsTooLarge'
  | 'quotaExceeded'
  | 'keepAliveTimeouts'
  | 'connectTimeouts'
  | 'takenOver'
  | 'otherDisconnects'
  | 'notAuthorized'
  | 'administrativeAction'
  | 'publishesDenied'
  | 'publishesRefused'
  | 'expired'
  | 'subscriptionsDenied'
  | 'heldReads'
  | 'rateHeldReads'
  | 'heldForSessions';

const received = (qos: string): MetricSpec => ({
  name: 'sluice_mqtt_messages_received_total',
  kind: 'counter',
  help: 'PUBLISH packets from clients.',
  labels: { qos },
});
const sent = (qos: string): MetricSpec => ({
  name: 'sluice_mqtt_messages_sent_total',
  kind: 'counter',
  help: 'PUBLISH packets to clients.',
  labels: { qos },
});
const dropped = (reason: string): MetricSpec => ({
  name: 'sluice_mqtt_messages_dropped_total',
  kind: 'counter',
  help: 'Messages that a matching client did not get.',
  labels: { reason },
});
const denied = (action: string): MetricSpec => ({
  name: 'sluice_mqtt_authorization_denials_total',
  kind: 'counter',
  help: 'Messages that clients were not allowed to publish, and topic filters that they were not allowed to subscribe to.',
  labels: { action },
});
const closed = (reason: string): MetricSpec => ({
  name: 'sluice_mqtt_disconnects_total',
  kind: 'counter',
  help: 'Connections that the server closed.',
  labels: { reason },
});

export const SESSION_PROBE: Probe<SessionMetric> = defineProbe('session', {
  connections: { name: 'sluice_mqtt_connections', kind: 'gauge', help: 'Open client connections.' },
  sessions: { name: 'sluice_mqtt_sessions', kind: 'gauge', help: 'Sessions, connected or not.' },
  connects: { name: 'sluice_mqtt_connects_total', kind: 'counter', help: 'Accepted CONNECT packets.' },
  recognised: {
    name: 'sluice_auth_recognised_total',
    kind: 'counter',
    help: 'Clients whose login was the same as one that had been right a moment before, so that no link was asked.',
  },
  receivedQos0: received('0'),
  receivedQos1: received('1'),
  receivedQos2: received('2'),
  sentQos0: sent('0'),
  sentQos1: sent('1'),
  sentQos2: sent('2'),
  bytesReceived: { name: 'sluice_mqtt_bytes_received_total', kind: 'counter', help: 'Bytes read from clients.' },
  bytesSent: { name: 'sluice_mqtt_bytes_sent_total', kind: 'counter', help: 'Bytes written to clients.' },
  droppedSlowClient: dropped('slow_client'),
  droppedQueueFull: dropped('queue_full'),
  droppedUndeliverable: dropped('expired_or_too_large'),
  refusedConnects: closed('connect_refused'),
  malformedPackets: closed('malformed_packet'),
  protocolErrors: closed('protocol_error'),
  packetsTooLarge: closed('packet_too_large'),
  quotaExceeded: closed('quota_exceeded'),
  keepAliveTimeouts: closed('keep_alive_timeout'),
  connectTimeouts: closed('connect_timeout'),
  takenOver: closed('session_taken_over'),
  notAuthorized: closed('not_authorized'),
  administrativeAction: closed('administrative_action'),
  otherDisconnects: closed('other'),
  publishesDenied: denied('publish'),
  publishesRefused: {
    name: 'sluice_mqtt_publishes_refused_total',
    kind: 'counter',
    help: 'Messages to topics that nothing can be published to: a bad delay, no room for a delayed message, a rewritten name that is none.',
  },
  expired: {
    name: 'sluice_mqtt_sessions_expired_total',
    kind: 'counter',
    help: 'Sessions that ended because their client did not come back in time.',
  },
  subscriptionsDenied: denied('subscribe'),
  heldForSessions: {
    name: 'sluice_mqtt_reads_held_for_sessions_total',
    kind: 'counter',
    help: 'Times that a client was not read for a while because persistent sessions that may want its message were not there again after the death of a thread.',
  },
  rateHeldReads: {
    name: 'sluice_mqtt_reads_rate_limited_total',
    kind: 'counter',
    help: 'Times that a client was not read for a while because it, or its listener, was ahead of its rate.',
  },
  heldReads: {
    name: 'sluice_mqtt_reads_held_total',
    kind: 'counter',
    help: 'Times that reading from a publisher was held back because a receiver could not take more.',
  },
});
