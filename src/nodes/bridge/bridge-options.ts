/** The tables of `mqtt.bridges` as what bridges are to do. Throws SLUICE_BRIDGE_CONFIG, which names the bridge and what is wrong. */
import { readFileSync } from 'node:fs';
import { SluiceError } from '../../base/errors.ts';
import { BRIDGE_TOPICS_MAX, BRIDGES_MAX } from '../../base/limits.ts';
import { parseFilter } from '../../wire/mqtt/topics.ts';
import type { BridgeTable, BridgeTopicTable } from '../config/bridge-schema.ts';
import type { Config } from '../config/schema.ts';
import type { BridgeSpec } from './bridge-spec.ts';
import type { BridgeTopic } from './topic-map.ts';

const RECONNECT_MIN_MS = 1000;
const RECONNECT_MAX_MS = 60_000;
const KEEP_ALIVE_SECONDS = 60;

export function bridgeSpecs({ mqtt, cluster, node }: Config): BridgeSpec[] {
  const tables = mqtt.bridges as unknown as readonly BridgeTable[];
  if (tables.length > BRIDGES_MAX) throw new SluiceError('SLUICE_BRIDGE_CONFIG', `there are at most ${BRIDGES_MAX} bridges`);
  const seen = new Set<string>();
  return tables.map((table) => {
    if (seen.has(table.name)) throw bad(table, 'there is another one of that name');
    seen.add(table.name);
    return specOf(table, `${cluster.name}-${node.id}`);
  });
}

function specOf(table: BridgeTable, nodeName: string): BridgeSpec {
  const { name, urls, topics, username } = table;
  if (urls.length === 0) throw bad(table, 'urls is empty');
  if (topics.length === 0) throw bad(table, 'topics is empty');
  if (topics.length > BRIDGE_TOPICS_MAX) throw bad(table, `there are at most ${BRIDGE_TOPICS_MAX} topics`);
  if (table.password !== undefined && table.password_file !== undefined)
    throw bad(table, 'password and password_file are both there');
  const file = table.password_file;
  const reconnectMsMin = table.reconnect_min_ms ?? Math.min(RECONNECT_MIN_MS, table.reconnect_max_ms ?? RECONNECT_MAX_MS);
  const reconnectMsMax = table.reconnect_max_ms ?? Math.max(RECONNECT_MAX_MS, reconnectMsMin);
  if (reconnectMsMax < reconnectMsMin) throw bad(table, 'reconnect_max_ms is less than reconnect_min_ms');
  return {
    name,
    urls,
    protocol: table.protocol === '3.1.1' ? 4 : 5,
    clientId: table.client_id ?? `${nodeName}-${name}`,
    cleanStart: table.clean_start ?? false,
    username,
    // The line's end is no part of it.
    password: file === undefined ? table.password : readText(table, 'password_file', file).replace(/\r?\n$/, ''),
    keepAliveSeconds: table.keep_alive_s ?? KEEP_ALIVE_SECONDS,
    reconnectMsMin,
    reconnectMsMax,
    notifies: table.notifications ?? true,
    tls: tlsOf(table),
    topics: topics.map((topic) => topicOf(table, topic)),
  };
}

function tlsOf(table: BridgeTable): BridgeSpec['tls'] {
  const { ca_file: ca, cert_file: cert, key_file: key, servername, verify = true } = table.tls ?? {};
  if ((cert === undefined) !== (key === undefined)) throw bad(table, 'tls.cert_file and tls.key_file go together');
  if (table.tls !== undefined && !table.urls.some((url) => /^(mqtts|wss):/.test(url)))
    throw bad(table, 'tls is given, and no url has TLS: mqtts:// or wss://');
  return {
    ...(ca === undefined ? {} : { ca: readText(table, 'tls.ca_file', ca) }),
    ...(cert === undefined ? {} : { cert: readText(table, 'tls.cert_file', cert) }),
    ...(key === undefined ? {} : { key: readText(table, 'tls.key_file', key) }),
    ...(servername === undefined ? {} : { servername }),
    verify,
  };
}

function topicOf(table: BridgeTable, topic: BridgeTopicTable): BridgeTopic {
  const { direction, filter, qos = 1, local_prefix: localPrefix = '', remote_prefix: remotePrefix = '' } = topic;
  for (const whole of [localPrefix + filter, remotePrefix + filter]) {
    const parsed = parseFilter(whole);
    if (parsed === undefined || parsed.filter !== whole) throw bad(table, `'${whole}' is no plain topic filter`);
  }
  if (direction !== 'out' && /^\$(SYS|events)(\/|$)/.test(localPrefix + filter))
    throw bad(table, `nobody but the node itself publishes to '${localPrefix + filter}'`);
  return { direction, filter, qos, localPrefix, remotePrefix };
}

function readText(table: BridgeTable, key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw bad(table, `${key} = "${path}" cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`);
  }
}

function bad({ name }: BridgeTable, why: string): SluiceError {
  return new SluiceError('SLUICE_BRIDGE_CONFIG', `mqtt.bridges, '${name}': ${why}`);
}
