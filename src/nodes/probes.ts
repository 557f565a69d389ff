/** Every probe of the system in one place: what /metrics shows and docs/reference/metrics.md lists. A new actor's probe goes here. */
import { DELAYED_PROBE } from '../actors/delayed/probe.ts';
import { EVENTS_PROBE } from '../actors/events/probe.ts';
import { EXCLUSIVE_PROBE } from '../actors/exclusive/probe.ts';
import { HOMES_PROBE } from '../actors/homes/probe.ts';
import { LISTENER_PROBE } from '../actors/listener/probe.ts';
import { META_PROBE } from '../actors/meta/probe.ts';
import { PAYLOAD_PROBE } from '../actors/payload/probe.ts';
import { PLUGIN_PROBE } from '../actors/plugin/probe.ts';
import { RAFT_PROBE } from '../actors/raft/probe.ts';
import { REGISTRY_PROBE } from '../actors/registry/probe.ts';
import { RELAY_PROBE } from '../actors/relay/probe.ts';
import { RETAINED_PROBE } from '../actors/retained/probe.ts';
import { ROUTER_PROBE } from '../actors/router/probe.ts';
import { SESSION_PROBE } from '../actors/session/probe.ts';
import { SHARD_PROBE } from '../actors/shard/probe.ts';
import { SHARE_PROBE } from '../actors/share/probe.ts';
import { STORE_PROBE } from '../actors/store/probe.ts';
import { RUNTIME_PROBE } from '../runtime/probe.ts';
import { WIRE_PROBE } from '../wire/probe.ts';
import { ACL_PROBE } from './access/probe.ts';
import { AUTH_PROBE } from './auth/probe.ts';
import type { MetricTable } from './metrics.ts';

export const PROBE_TABLES: readonly MetricTable[] = [
  RUNTIME_PROBE,
  WIRE_PROBE,
  LISTENER_PROBE,
  SESSION_PROBE,
  ROUTER_PROBE,
  SHARE_PROBE,
  RELAY_PROBE,
  HOMES_PROBE,
  RETAINED_PROBE,
  DELAYED_PROBE,
  EXCLUSIVE_PROBE,
  EVENTS_PROBE,
  PAYLOAD_PROBE,
  PLUGIN_PROBE,
  REGISTRY_PROBE,
  SHARD_PROBE,
  STORE_PROBE,
  META_PROBE,
  RAFT_PROBE,
  AUTH_PROBE,
  ACL_PROBE,
];

/** Families shown for each thread apart, because a sum would hide the one thread that is in trouble. */
export const PER_THREAD_METRICS: ReadonlySet<string> = new Set(['sluice_runtime_mailbox_messages', 'sluice_runtime_ring_bytes']);
