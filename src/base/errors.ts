/**
 * A user's error: something outside the code is wrong and the text says what to do about it. Every code is listed in
 * `ERROR_CATALOGUE`, from which docs/reference/errors.md is generated.
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const CATALOGUE = {
  SLUICE_CONFIG_UNKNOWN_KEY:
    'A configuration key does not exist. Use the nearest key that the message names, or see the configuration reference.',
  SLUICE_CONFIG_BAD_VALUE:
    'A configuration value is outside what its key allows. The message names the key, the value and what is allowed.',
  SLUICE_CONFIG_FILE: 'The configuration file cannot be read or is not valid TOML. The message names the file and the place.',
  SLUICE_NODE_USAGE: 'A command-line option does not exist or lacks its argument. See `node dist/node.js --help`.',
  SLUICE_NODE_REACTOR_LOST:
    'A reactor thread died too often in a short time, so the node stopped. The log names the error of each death; start the node again and report it.',
  SLUICE_NODE_BOOT: 'The node could not start. The message and the log name the stage and the cause.',
  SLUICE_NODE_WAITING:
    'The node has started and is not ready: something that it needs is not there. `waitsFor` in the log names it; when that is the metadata, a majority of the nodes of cluster.meta has to be up, and this node has to reach one of them (wire.*). It goes on trying.',
  SLUICE_NODE_DATA:
    'The directory of node.data cannot be written. Create it with rights for the user of the node, or set node.data to another one.',
  SLUICE_LISTEN_ADDRESS_IN_USE:
    'Another process listens on this address, perhaps a second node. Stop it, or set the key that the message names to another port (0 picks a free one).',
  SLUICE_LISTEN_ADDRESS:
    'A listener cannot use its address: it is not an address of this machine, or the port needs more rights. Change the key that the message names.',
  SLUICE_LISTEN_INSECURE:
    'A listener off loopback would let anyone in. Set auth.users_file or auth.chain for MQTT, http.tokens_file or http.users_file for HTTP, keep the host on 127.0.0.1, or set auth.insecure=true if the network is trusted.',
  SLUICE_LISTEN_CERTIFICATE:
    'A certificate, a key, a file of shared keys or a list of revocations of a TLS listener cannot be used. The message names the key and the file.',
  SLUICE_LISTEN_UNKNOWN: 'There is no listener with this name. The message names those that there are.',
  SLUICE_LISTEN_CHANGE:
    'A listener could not be started, stopped or renewed on every reactor. The message says why, the log says more.',
  SLUICE_AUTH_USERS_FILE:
    'The file of auth.users_file cannot be read or has a bad line. Each line is `user:hash`, a hash as `sluice user hash` or mosquitto_passwd writes it; the message names the line.',
  SLUICE_AUTH_JWT_KEY:
    'The key of tokens cannot be used. Set exactly one of backend.jwt.secret, backend.jwt.public_key_file and backend.jwt.jwks; the message says what is wrong.',
  SLUICE_ACL_FILE:
    'The file of acl.file cannot be read or has a bad rule; the message names the place. See docs/security.md for what a rule looks like.',
  SLUICE_SECURITY_STORE:
    'Users, rules, bans or topic metrics cannot be read from, or written to, the folders security/ and extensions/ of node.data. Look at its rights and at the room on its disk; a file that is damaged must be restored or moved away.',
  SLUICE_SECURITY_LIMIT:
    'There are as many users, groups, rules or bans as a node keeps. Remove some, or keep them in a database.',
  SLUICE_SECURITY_BUSY: 'Too many passwords wait to be hashed. Try again in a moment.',
  SLUICE_HTTP_UNAUTHORIZED:
    'The node asks who you are: send a token of http.tokens_file as `Authorization: Bearer …`, or a user of http.users_file. `sluice` takes one from --token or SLUICE_TOKEN.',
  SLUICE_HTTP_FORBIDDEN:
    'Without authentication the node answers only to names of this machine, so that no web page can reach it through a name of its own. Use 127.0.0.1 or localhost, or set http.tokens_file. Users, rules and bans are reached by their own routes alone, not as keys of the metadata.',
  SLUICE_HTTP_CONFLICT: 'What is to be made is there already.',
  SLUICE_HTTP_INVALID: 'A value of an administrative request makes no sense; the message says which and why.',
  SLUICE_HTTP_LIMIT: 'There are as many of these as a node keeps. Remove some.',
  SLUICE_HTTP_ADMINS_FILE:
    'The file of http.tokens_file or http.users_file cannot be read or has a bad line; the message names it. A tokens file has `name:token` lines, a token of at least 16 characters.',
  SLUICE_STORAGE_FULL:
    'There is no room left on the disk, or within a bound, for what was to be stored; nothing of it has been. Make room, or let retention do it; writing goes on by itself then.',
  SLUICE_STORAGE_FAILED:
    'A write or a sync of a log has failed, so nothing more is known about what the disk holds, and the node stops. Check the disk (the log names the cause) and start the node again: it recovers what is there.',
  SLUICE_STORAGE_CORRUPT:
    'The disk has lost or changed something that was durable. Nothing has been cut. Restore from a replica or a backup, or set storage.on_corruption=serve to go on without it; `sluice log verify` shows the damage.',
  SLUICE_STORAGE_IN_USE:
    'Another process has the data directory open, perhaps a second node. Stop it, or give this one another node.data.',
  SLUICE_STORAGE_FOREIGN:
    'A file in the data directory belongs to another log. Move it away, or back to where it came from; the message names it.',
  SLUICE_STORAGE_LOCKED:
    'Another process uses the data directory; the message says which. Stop it, or give each node a directory of its own by node.data.',
  SLUICE_STORAGE_UNKNOWN_SHARD: 'A shard does not exist any more, or not yet.',
  SLUICE_STORAGE_OFFSET_MISMATCH:
    'A writer believed a shard to end elsewhere: somebody else has written to it. The writer reads the end again.',
  SLUICE_STORAGE_OFFSET_OUT_OF_RANGE:
    'An offset lies before the start or beyond the end of what is kept. Begin at earliest or latest.',
  SLUICE_STORAGE_BATCH_TOO_LARGE: 'A record batch is larger than a log takes at once. Send smaller batches.',
  SLUICE_TOPIC_UNKNOWN: 'There is no declared topic of that name. `sluice topic list` shows those that there are.',
  SLUICE_TOPIC_EXISTS: 'A declared topic of that name exists already. Take another name, or delete it first.',
  SLUICE_TOPIC_INVALID: 'A declared topic cannot be made like that. The message names what is wrong.',
  SLUICE_TOPIC_LIMIT: 'The node has as many declared topics as it takes. Delete some.',
  SLUICE_REPLAY_INVALID:
    'A subscription with sluice-from asks for something that there is not. The reason string of SUBACK says what is wrong; docs/operate.md says what can be asked for.',
  SLUICE_REPLAY_NO_TOPIC:
    'A subscription with sluice-from matches no declared topic. Declare one whose filter has all that the subscription matches, or name one by sluice-topic.',
  SLUICE_META_UNAVAILABLE:
    'The metadata has no leader that answers, so nothing was done. A majority of the nodes of cluster.meta has to be up and to reach each other; `sluice raft status` shows the groups.',
  SLUICE_META_BUSY: 'Too much is under way for the metadata. Nothing was done; try again in a moment.',
  SLUICE_META_UNKNOWN:
    'Whether a change of the metadata was made is not known: its leader went away before it answered. Read the key, and change it again if need be.',
  SLUICE_META_COMPACTED:
    'A revision of the metadata is older than what is kept of its history. Read the keys anew, and watch from the revision of that.',
  SLUICE_META_FUTURE: 'A revision of the metadata has not been reached yet.',
  SLUICE_META_NO_KEY: 'There is no such key in the metadata.',
  SLUICE_META_CONFLICT:
    'A key of the metadata is not as the condition says: somebody else has changed it. Read it, and decide anew.',
  SLUICE_META_REFUSED: 'The metadata refuses a change; the message says why. Nothing was done.',
  SLUICE_AUTH_SCRAM_FILE:
    'The file of auth.scram_file cannot be read or has a bad line. Each line is `user:SCRAM-SHA-256$iterations:salt$stored:server`; the message names the line.',
  SLUICE_BRIDGE_CONFIG:
    'A table of mqtt.bridges makes no sense as a whole, or a file that it names cannot be read. See docs/bridge.md.',
  SLUICE_PAYLOAD_SCHEMA:
    'A file of mqtt.payload_schemas cannot be read, or is no schema of its type; the message names the file and what is wrong. See docs/mqtt-extensions.md.',
  SLUICE_PLUGIN_LOAD: 'The module of plugin.module cannot be loaded; the message says why. See docs/plugins.md.',
  SLUICE_HTTP_NOT_FOUND: 'No such resource. See the HTTP section of docs/operate.md for what there is.',
  SLUICE_HTTP_UNAVAILABLE: 'The node cannot do this now: it is starting or stopping, or it runs with storage.enabled=false.',
  SLUICE_RAFT_REFUSED:
    'A replicated group cannot change its members or its leader like this now. The message says why; `sluice raft status` shows how things stand.',
  SLUICE_RAFT_NO_GROUP: 'There is no replicated group of this name; `sluice raft status` shows those that there are.',
  SLUICE_RAFT_NO_MEMBER:
    'The node is no member of the replicated group. `sluice raft status` shows who is; `sluice raft add` takes a node in.',
  SLUICE_RAFT_MEMBER: 'The node votes in the replicated group already: there is nothing to add.',
  SLUICE_RAFT_LEARNER:
    'The node gets the log of the replicated group but does not vote in it yet, so it cannot lead it. `sluice raft add` makes it a voter when it has caught up.',
  SLUICE_HTTP_FAILED: 'The node failed to answer an administrative request. The log holds the cause.',
  SLUICE_BATCH_TRUNCATED:
    'A record batch is shorter than its header or its length field says. The producer or what lies between is broken; nothing of the batch was stored.',
  SLUICE_BATCH_MAGIC: 'A record batch is not of format 2. Use a Kafka client of version 0.11 or later.',
  SLUICE_BATCH_CHECKSUM: 'The checksum of a record batch does not match its bytes: it was damaged on the way. Send it again.',
  SLUICE_BATCH_ATTRIBUTES: 'A record batch carries attributes or a compression that this version does not know.',
  SLUICE_BATCH_NUMBER: 'A timestamp, producer id or offset of a record batch is beyond what can be held exactly, 2^53.',
  SLUICE_BATCH_COUNT: 'The number of records of a record batch does not fit its size or its offsets.',
  SLUICE_BATCH_RECORDS:
    'The records of a batch do not follow the layout although its checksum is right: the producer encodes them wrongly.',
  SLUICE_BATCH_COMPRESSION:
    'The records of a batch cannot be decompressed: the producer wrote them wrongly. The message names the codec.',
  SLUICE_BATCH_TOO_LARGE: 'A record batch would be larger than its bound once decompressed. Send smaller batches.',
  SLUICE_WIRE_MAGIC:
    'What connected to the wire port is not a Sluice node. Check who does; an HTTP or MQTT client has the wrong port.',
  SLUICE_WIRE_VERSION:
    'A node speaks no version of the wire protocol that this one speaks. Upgrade the older one; neighbouring releases always share a version.',
  SLUICE_WIRE_CLUSTER: 'A node of another cluster connected. Check cluster.name and the addresses in cluster.meta of both.',
  SLUICE_WIRE_NODE: 'A node is not the one that it should be: check the ids in cluster.meta, and that no two nodes share one.',
  SLUICE_WIRE_AUTH:
    'A node could not prove that it belongs to the cluster. Give all nodes the same wire.secret, and certificates of the same authority if wire.tls is used.',
  SLUICE_WIRE_REPLAYED:
    'A hello came that was used before, or one of an earlier life of a node that is connected. Nothing to do, unless it repeats.',
  SLUICE_WIRE_FRAME:
    'A peer sent bytes that are not a frame of the wire protocol. The connection is closed and made anew; report it if it repeats.',
  SLUICE_WIRE_CRC: 'A frame was damaged on its way. The connection is closed and made anew; if it repeats, check the network.',
  SLUICE_WIRE_OVERSIZE:
    'A peer sent a frame that is larger than allowed. The connection is closed; nothing was allocated for it.',
  SLUICE_WIRE_KIND: 'A peer sent a frame or a message of an unknown kind. The connection is closed; report it.',
  SLUICE_WIRE_CREDIT:
    'A peer sent more than it was allowed to before this node was ready for it. The connection is closed; report it.',
  SLUICE_WIRE_SCHEMA:
    'A peer sent a control message that does not follow its schema, or a schema that cannot be read with ours. The connection is closed; report it.',
  SLUICE_WIRE_SILENT: 'A peer was silent for too long and counts as lost. It is dialled again.',
  SLUICE_WIRE_UNREACHABLE:
    'A peer cannot be reached, or the connection broke. It is dialled again and again; check the address and the network.',
  SLUICE_WIRE_TRANSPORT:
    'The transport between nodes cannot be used here: QUIC needs the optional package @matrixai/quic and a certificate. Set wire.transport=tcp, or install it and set wire.tls.',
  SLUICE_WIRE_BUSY:
    'Too many connections were proving who they are at the same time. The connection is closed; a node tries again by itself.',
  SLUICE_WIRE_STOPPED: 'The peer is stopping. Nothing to do.',
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

/** Also for an error that has come from another thread, where its class is lost. */
export function isCoded(error: unknown): error is Error & { readonly code: ErrorCode } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in CATALOGUE;
}

/** Whether a text from elsewhere is a code of this release. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(CATALOGUE, text);
}

/** Code → what happened and what to do. Codes are `SLUICE_<AREA>_<NAME>` and never change their meaning. */
export const ERROR_CATALOGUE: Readonly<Record<ErrorCode, string>> = CATALOGUE;
