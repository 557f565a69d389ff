/**
 * Every option of mosquitto.conf (2.0, and of 2.1 those that have a counterpart): where it may stand, what its value is, and, for those that we have no
 * counterpart for, what to say about them.
 */

export type OptionKind = 'bool' | 'int' | 'text' | 'word' | 'span';

export interface ConfOption {
  /**
   * `node` holds for all; `listener` for the one whose `listener` line came last, or the default one; `security` for that listener with
   * per_listener_settings and for all without; `bridge` for the `connection` above.
   */
  readonly scope: 'node' | 'listener' | 'security' | 'bridge';
  readonly kind: OptionKind;
  readonly min?: number;
  readonly max?: number;
  readonly words?: readonly string[];
  /** May stand several times, and all of them count. */
  readonly many?: boolean;
  /** There is no counterpart: why that is, or what to do instead. */
  readonly instead?: string;
  /** The value that means what a node does anyway, and so nothing has to be said about it. */
  readonly asIs?: string | number | boolean;
}

type Options = Record<string, ConfOption>;

const INT_MAX = 2 ** 31 - 1;
const SIZE_MAX = Number.MAX_SAFE_INTEGER;

function bool(scope: ConfOption['scope'], more: Partial<ConfOption> = {}): ConfOption {
  return { scope, kind: 'bool', ...more };
}

function int(scope: ConfOption['scope'], min: number, max: number, more: Partial<ConfOption> = {}): ConfOption {
  return { scope, kind: 'int', min, max, ...more };
}

function text(scope: ConfOption['scope'], more: Partial<ConfOption> = {}): ConfOption {
  return { scope, kind: 'text', ...more };
}

function word(scope: ConfOption['scope'], words: readonly string[], more: Partial<ConfOption> = {}): ConfOption {
  return { scope, kind: 'word', words, ...more };
}

const DURABLE = 'what is kept is on disk before it is acknowledged, so nothing is saved at intervals';
const PLUGIN = 'plugins of mosquitto cannot be loaded; see auth.chain and acl.sources for what there is instead';
const LOGS = 'the log goes to stderr, one JSON object a line';
const ENGINE = 'keys are read from PEM files';

const NODE: Options = {
  allow_duplicate_messages: bool('node'),
  autosave_interval: int('node', 0, INT_MAX, { instead: DURABLE }),
  autosave_on_changes: bool('node', { instead: DURABLE }),
  check_retain_source: bool('node', { instead: 'a retained message stays when its publisher loses its rights', asIs: false }),
  clientid_prefixes: text('node', { instead: 'client ids can be refused by rules of acl.file (clients = ["…*"]) only' }),
  connection_messages: bool('node', { instead: 'connects are counted, not logged', asIs: false }),
  global_max_connections: int('node', -1, INT_MAX),
  log_dest: text('node', { many: true }),
  log_facility: int('node', 0, 7, { instead: LOGS }),
  log_timestamp: bool('node', { instead: 'each line of the log has its time', asIs: true }),
  log_timestamp_format: text('node', { instead: 'times in the log are milliseconds since the epoch' }),
  log_type: word(
    'node',
    ['debug', 'error', 'warning', 'notice', 'information', 'subscribe', 'unsubscribe', 'websockets', 'internal', 'none', 'all'],
    { many: true },
  ),
  max_inflight_bytes: int('node', 0, SIZE_MAX, { instead: 'messages in flight are bounded by their number alone', asIs: 0 }),
  max_inflight_messages: int('node', 0, 65_535),
  max_keepalive: int('node', 10, 65_535),
  max_packet_size: int('node', 20, 268_435_460),
  max_queued_bytes: int('node', 0, SIZE_MAX),
  max_queued_messages: int('node', 0, INT_MAX),
  memory_limit: int('node', 0, SIZE_MAX, {
    instead: 'memory is bounded by mqtt.queue.*, mqtt.output.* and mqtt.retained.*',
    asIs: 0,
  }),
  message_size_limit: int('node', 0, 268_435_455, { instead: 'set max_packet_size, which bounds whole packets', asIs: 0 }),
  packet_buffer_size: int('node', 0, SIZE_MAX, { instead: 'buffers are shared by all connections' }),
  per_listener_settings: bool('node'),
  persistence: bool('node'),
  persistence_file: text('node', { instead: 'mosquitto.db is neither read nor written' }),
  persistence_location: text('node'),
  persistent_client_expiration: { scope: 'node', kind: 'span' },
  pid_file: text('node', { instead: 'the line READY on stdout has the process id' }),
  queue_qos0_messages: bool('node', { instead: 'messages of QoS 0 are not kept for clients that are away', asIs: false }),
  retain_available: bool('node'),
  retain_expiry_interval: int('node', 0, INT_MAX, { instead: 'publish with a message expiry interval', asIs: 0 }),
  set_tcp_nodelay: bool('node', { instead: 'TCP_NODELAY is always on', asIs: true }),
  sys_interval: int('node', 0, 65_535),
  upgrade_outgoing_qos: bool('node', {
    instead: 'a message is never delivered at a higher QoS than it was published with',
    asIs: false,
  }),
  user: text('node', { instead: 'a node does not change its user: start it as that one' }),
  websockets_headers_size: int('node', 0, 65_535, { instead: 'a WebSocket handshake may have 8 KiB of headers' }),
  websockets_log_level: int('node', 0, INT_MAX, { instead: LOGS }),
};

const SECURITY: Options = {
  acl_file: text('security'),
  allow_anonymous: bool('security'),
  allow_zero_length_clientid: bool('security'),
  auth_plugin: text('security', { instead: PLUGIN, many: true }),
  auth_plugin_deny_special_chars: bool('security', { instead: PLUGIN }),
  auto_id_prefix: text('security', { instead: 'generated client ids have no prefix that can be chosen' }),
  password_file: text('security'),
  plugin: text('security', { instead: PLUGIN, many: true }),
  psk_file: text('security'),
};

const LISTENER: Options = {
  accept_protocol_versions: text('listener', { instead: 'a listener takes 3.1, 3.1.1 and 5.0' }),
  bind_address: text('listener'),
  bind_interface: text('listener'),
  cafile: text('listener'),
  capath: text('listener', { instead: 'put the certificates of the folder into one file, for cafile' }),
  certfile: text('listener'),
  ciphers: text('listener'),
  'ciphers_tls1.3': text('listener'),
  crlfile: text('listener'),
  dhparamfile: text('listener', { instead: 'key exchange is by elliptic curves' }),
  disable_client_cert_date_checks: bool('listener', { instead: 'a certificate that has expired is not good', asIs: false }),
  enable_proxy_protocol: int('listener', 1, 2),
  http_dir: text('listener', { instead: 'a node serves no files' }),
  keyfile: text('listener'),
  max_connections: int('listener', -1, INT_MAX),
  max_qos: int('listener', 0, 2),
  max_topic_alias: int('listener', 0, 65_535, { instead: 'clients may use as many topic aliases as the node tells them' }),
  max_topic_alias_broker: int('listener', 0, 65_535),
  mount_point: text('listener'),
  port: int('listener', 1, 65_535),
  protocol: word('listener', ['mqtt', 'websockets']),
  psk_hint: text('listener'),
  require_certificate: bool('listener'),
  socket_domain: word('listener', ['ipv4', 'ipv6']),
  tls_engine: text('listener', { instead: ENGINE }),
  tls_engine_kpass_sha1: text('listener', { instead: ENGINE }),
  tls_keyform: word('listener', ['pem', 'engine'], { instead: ENGINE, asIs: 'pem' }),
  tls_version: word('listener', ['tlsv1.3', 'tlsv1.2', 'tlsv1.1']),
  use_identity_as_username: bool('listener'),
  use_subject_as_username: bool('listener'),
  use_username_as_clientid: bool('listener', { instead: 'client ids stay what clients say', asIs: false }),
  websockets_origin: text('listener', { many: true }),
};

const LAZY = 'a bridge is connected as long as the node runs';
const LOCAL = 'on its own node a bridge is the operator’s, and needs no login';

const BRIDGE: Options = {
  address: text('bridge'),
  addresses: text('bridge'),
  bridge_alpn: text('bridge', { instead: 'bridges over TLS name no protocol' }),
  bridge_attempt_unsubscribe: bool('bridge', {
    instead: 'a bridge leaves the subscriptions there that it does not use',
    asIs: false,
  }),
  bridge_bind_address: text('bridge', { instead: 'the system chooses the address that a bridge goes out from' }),
  bridge_cafile: text('bridge'),
  bridge_capath: text('bridge', { instead: 'put the certificates of the folder into one file, for bridge_cafile' }),
  bridge_certfile: text('bridge'),
  bridge_identity: text('bridge', { instead: 'bridges know no pre-shared keys' }),
  bridge_insecure: bool('bridge'),
  bridge_keyfile: text('bridge'),
  bridge_max_packet_size: int('bridge', 0, INT_MAX, { instead: 'a bridge sends packets of any size', asIs: 0 }),
  bridge_outgoing_retain: bool('bridge', { instead: 'a bridge sends retained messages as such', asIs: true }),
  bridge_protocol_version: word('bridge', ['mqttv31', 'mqttv311', 'mqttv50']),
  bridge_psk: text('bridge', { instead: 'bridges know no pre-shared keys' }),
  bridge_require_ocsp: bool('bridge', { instead: 'nobody is asked whether a certificate has been revoked', asIs: false }),
  bridge_tls_use_os_certs: bool('bridge', {
    instead: 'name the file of the system’s certificates by bridge_cafile',
    asIs: false,
  }),
  bridge_tls_version: word('bridge', ['tlsv1.3', 'tlsv1.2', 'tlsv1.1'], { instead: 'both sides settle on 1.2 or 1.3' }),
  cleansession: bool('bridge'),
  clientid: text('bridge'),
  idle_timeout: int('bridge', 1, INT_MAX, { instead: LAZY }),
  keepalive_interval: int('bridge', 5, 65_535),
  local_cleansession: bool('bridge', { instead: 'what waits for the other side outlives the node', asIs: false }),
  local_clientid: text('bridge', { instead: 'on its own node a bridge is the client $bridge/NAME' }),
  local_password: text('bridge', { instead: LOCAL }),
  local_username: text('bridge', { instead: LOCAL }),
  notification_topic: text('bridge', { instead: 'it is $SYS/broker/connection/NAME/state' }),
  notifications: bool('bridge'),
  notifications_local_only: bool('bridge', { instead: 'the other side is not told of the bridge', asIs: true }),
  password: text('bridge'),
  remote_clientid: text('bridge'),
  remote_password: text('bridge'),
  remote_username: text('bridge'),
  restart_timeout: text('bridge'),
  round_robin: bool('bridge', { instead: 'several addresses are tried in turn, and the one that answers stays', asIs: true }),
  start_type: word('bridge', ['automatic', 'lazy', 'once'], { instead: LAZY, asIs: 'automatic' }),
  threshold: int('bridge', 1, INT_MAX, { instead: LAZY }),
  topic: text('bridge', { many: true }),
  try_private: bool('bridge', { instead: 'a bridge by MQTT 3.1.1 says that it is one, where that is taken', asIs: true }),
  username: text('bridge'),
};

export const CONF_OPTIONS: ReadonlyMap<string, ConfOption> = new Map<string, ConfOption>([
  ...Object.entries({ ...NODE, ...SECURITY, ...LISTENER, ...BRIDGE }),
]);

/** Options of plugins have names of their own. */
export const PLUGIN_OPTION: RegExp = /^(auth|plugin)_opt_/;
