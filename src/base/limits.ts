/**
 * Every bound of the system by name, with what happens there. A bound that users may move is the default of a configuration key.
 */

/** Messages in an actor's user lane; a further one is refused and the sender sees it. */
export const MAILBOX_USER_MAX = 4096;
/** Messages in an actor's system lane (watch, terminated, stop); overflow is a programmer's error. */
export const MAILBOX_SYSTEM_MAX = 65_536;
/** Slots kept for well-known actors on each thread. */
export const WELL_KNOWN_SLOTS = 64;

/** Bytes of one thread-to-thread ring; a full ring refuses and the sender holds back its sources. Power of two. */
export const RING_BYTES: number = 1 << 20;
/** A record above this travels beside the ring by transfer, in order with it. */
export const RING_RECORD_BYTES_MAX: number = RING_BYTES / 4;

/** Messages handled before a turn gives way to the event loop. */
export const TURN_MESSAGES_MAX = 2048;
/** Time after which a turn gives way to the event loop, milliseconds. */
export const TURN_MS_MAX = 5;
/** Resolution of the timer wheel, milliseconds. */
export const TIMER_TICK_MS = 10;

/** Messages of one actor in a row before the pump goes on to the next. */
export const CELL_MESSAGES_MAX = 128;
/** Timers fired in one turn; the rest fires in the next. */
export const TURN_TIMERS_MAX = 1024;
/** Records taken from inbound rings in one turn. */
export const TURN_RECORDS_MAX = 8192;
/** Tells kept per link while its ring is full; a further one is refused and counted as a dead letter. */
export const LINK_OVERFLOW_MAX = 4096;
/** Replies and watch notices kept per link while its ring is full; they may not be lost, so overflow fails the thread. */
export const LINK_OVERFLOW_SYSTEM_MAX = 262_144;
/** Bytes under way beside one ring (large records); above it the link counts as full unless nothing is under way. */
export const LINK_LARGE_BYTES_MAX: number = 32 * 1024 * 1024;
/** Asks that a thread has under way; a further one fails at once with `mailbox_full`. */
export const ASKS_MAX = 65_536;
/** Dead letters kept for `inspect()`; older ones are only counted. */
export const DEAD_LETTERS_KEPT = 64;
/** Children of one actor that `inspect()` lists; the rest is a number. */
export const INSPECT_CHILDREN_MAX = 1000;
/** Restarts of a reactor thread within THREAD_RESTART_WINDOW_MS; one more and the node gives up. */
export const THREAD_RESTARTS_MAX = 5;
export const THREAD_RESTART_WINDOW_MS = 60_000;
/** First delay before a dead reactor thread is started again; doubles up to the second. */
export const THREAD_BACKOFF_MIN_MS = 50;
export const THREAD_BACKOFF_MAX_MS = 5000;

/** Read buffer of a reactor, shared by all its sockets, bytes. */
export const READ_BUFFER_BYTES = 65_536;
/** Largest packet that MQTT can express, bytes. */
export const MQTT_PACKET_BYTES_MAX = 268_435_460;
/** Levels of a topic name or filter; one with more is invalid. It bounds the depth of every topic tree. */
export const MQTT_TOPIC_LEVELS_MAX = 128;
/** Filters in one SUBSCRIBE or UNSUBSCRIBE; more end the connection with 0x97. */
export const MQTT_FILTERS_PER_PACKET_MAX = 16_384;
/** User properties in one control packet; more end the connection with 0x97. Those of PUBLISH are passed through uncounted. */
export const MQTT_USER_PROPERTIES_MAX = 1024;

/** A pattern of a rule, in characters, and its program, in instructions; a larger one is refused when the rule is read. */
export const REGEX_PATTERN_CHARS_MAX = 256;
export const REGEX_PROGRAM_MAX = 1024;
/** `{n,m}` in a pattern. */
export const REGEX_REPEATS_MAX = 64;
/** A longer text matches no pattern, characters. */
export const REGEX_TEXT_CHARS_MAX = 4096;
/** Rewrite rules, topics that clients are subscribed to by the server; more are refused at the start. */
export const REWRITE_RULES_MAX = 256;
export const AUTO_SUBSCRIPTIONS_MAX = 64;
/** Delayed messages handed out in one turn; the rest follows in the next. */
export const DELAYED_DUE_MAX = 256;
/** A client id's part of a rewritten topic that is remembered, per client; the oldest is forgotten. */
export const REWRITES_KEPT_MAX = 256;
/** Events of a reactor that wait to be published; further ones are lost and counted. */
export const EVENTS_QUEUED_MAX = 10_000;
/** Filters whose messages are counted. */
export const TOPIC_METERS_MAX = 512;
/** Traces at once, lines of a reactor that wait for main, and what is shown of a payload, bytes. */
export const TRACES_MAX = 32;
export const TRACE_QUEUED_MAX = 10_000;
export const TRACE_PAYLOAD_BYTES = 1024;
/** Bytes of a trace's file, after which the trace ends, and its longest time, seconds. */
export const TRACE_FILE_BYTES_MAX: number = 64 * 1024 * 1024;
export const TRACE_SECONDS_MAX = 86_400;
/** Bytes that wait for somebody who follows a trace live; further lines are not sent to him. */
export const TRACE_LIVE_BYTES_MAX: number = 4 * 1024 * 1024;
/** Bridges of a node, topics of one, and the bridges that a message crosses before it is taken for one that goes round in circles. */
export const BRIDGES_MAX = 64;
export const BRIDGE_TOPICS_MAX = 1000;
export const BRIDGE_HOPS_MAX = 16;
/** Bytes that wait for the other side of a bridge to take them, above which messages of QoS 0 are dropped. */
export const BRIDGE_BUFFER_BYTES_MAX: number = 8 * 1024 * 1024;
/** Messages of QoS 1 and 2 that a bridge has under way, each way. */
export const BRIDGE_WINDOW_MAX = 128;
/** Bytes under way between a guest's thread and a reactor; the sender waits then. */
export const GUEST_BYTES_MAX: number = 1024 * 1024;
/** Schemas for payloads, and bytes of the file of one. */
export const PAYLOAD_SCHEMAS_MAX = 1000;
export const PAYLOAD_SCHEMA_FILE_BYTES_MAX: number = 1024 * 1024;
/** Questions of one reactor that wait for the plugin, and what it has been told and not taken; beyond, questions fail and notices are lost. */
export const PLUGIN_WAITING_MAX = 10_000;
export const PLUGIN_NOTICES_MAX = 10_000;
/** Messages of a client that the plugin is asked about at once, and their bytes. */
export const PLUGIN_BATCH_MAX = 256;
export const PLUGIN_BATCH_BYTES_MAX: number = 1024 * 1024;
/** Alarms that are active at once; a further one is not raised. */
export const ALARMS_MAX = 1000;
/** Exclusive subscriptions of one reactor's topics; a further one is refused (0x97). */
export const EXCLUSIVE_TOPICS_MAX = 100_000;
/** For the reactor of a topic to say whether somebody has it, milliseconds; then the subscription is refused (0x80). */
export const EXCLUSIVE_ASK_MS = 5000;
/** For the metadata of a cluster to answer about one, each of at most three times; and how long after that those are asked about again that a session has already. */
export const EXCLUSIVE_META_MS = 1500;
export const EXCLUSIVE_RETRY_MS = 500;
/** Times that a session is asked to give up what another node's client has: longer than a takeover may take. */
export const EXCLUSIVE_LOSE_ATTEMPTS = 20;

/** Password checks that wait for the pool; a further login is refused as busy, and the client may try again. */
export const AUTH_CHECKS_QUEUED_MAX = 128;
/** Nor does a login wait when those before it are likely to take longer than this, milliseconds: its client would have given up by then. */
export const AUTH_CHECKS_WAIT_MS_MAX = 2000;
/** Good logins that are remembered, so that they need no scrypt when they come again; the oldest is forgotten. */
export const AUTH_VERIFIED_MAX = 65_536;
/** Logins that a reactor recognises without asking main, some 250 bytes each; the oldest is forgotten. */
export const LOGINS_KNOWN_MAX = 65_536;
/** For how long it does, from main's answer on. */
export const LOGINS_KNOWN_MS = 60_000;
/** Chain, user name and password of one that it recognises; a longer one is asked about each time. */
export const LOGIN_BYTES_MAX = 1024;

/** Time that a stopping node gives its clients and actors to finish, milliseconds; what is left then is cut off. */
export const DRAIN_MS_MAX = 8000;
/** A stopping node is gone after this whatever happens, milliseconds. */
export const STOP_MS_MAX = 9500;

/** Topics interned per reactor; the least recently used are evicted and interned again when they come back. */
export const TOPICS_INTERNED_MAX = 131_072;
/** Slots that inserting a topic may probe; beyond it a topic of that neighbourhood is evicted. */
export const TOPIC_PROBES_MAX = 64;
/** Entries of cached match results per reactor that no subscription list backs; above it all are dropped and computed again. */
export const DELIVERIES_CACHED_MAX: number = 4 * 1024 * 1024;
/** Reactors among which publishes can be routed: the interest of the others is a bit mask in a small integer. */
export const REACTORS_MAX = 31;
/** Filters in one message of the interest protocol, and their characters; at least one filter always goes. */
export const INTEREST_BATCH_FILTERS_MAX = 1024;
export const INTEREST_BATCH_CHARACTERS_MAX: number = 32 * 1024;
/** Changes of interest sent to a reactor ahead of its acknowledgement. */
export const INTEREST_INFLIGHT_MAX = 8192;
/** Changes of interest kept for reactors that lag; one that falls behind further gets everything anew. */
export const INTEREST_LOG_MAX = 65_536;
/** Unanswered messages of the interest protocol are sent again after this, milliseconds. */
export const INTEREST_RETRY_MS = 500;
/** Retries after which a subscription is acknowledged although a reactor has not confirmed that it knows it. */
export const INTEREST_WAIT_RETRIES = 4;
/** Subscriptions waiting for that; a further one is acknowledged at once. */
export const INTEREST_WAITERS_MAX = 65_536;

/** Reactors that a message for a shared subscription goes through while members come and go; then it is dropped and counted. */
export const SHARE_HOPS_MAX = 8;

/** Retained messages per reactor and their bytes (packets, names and overhead); a further one is refused and counted. */
export const RETAINED_MESSAGES_MAX = 1_000_000;
export const RETAINED_BYTES_MAX: number = 512 * 1024 * 1024;
/** Messages in the retained store's mailbox: what other reactors store waits there behind lookups. */
export const RETAINED_MAILBOX_MAX = 65_536;
/** Topics that one step of a retained lookup looks at, before the turn goes to others. */
export const RETAINED_SCAN_MAX = 2048;
/** Bytes of packets in one answer of a retained lookup; a larger packet goes alone. */
export const RETAINED_ANSWER_BYTES_MAX: number = 128 * 1024;
/** The sweep for expired retained messages: topics per step, and the pause between steps, milliseconds. */
export const RETAINED_SWEEP_TOPICS = 1024;
export const RETAINED_SWEEP_MS = 1000;
/** Retained messages of a cluster. One write to a group of the metadata, of which one is under way per reactor: messages, and bytes of them; what waits behind it, bytes. */
export const RETAINED_WRITE_MESSAGES_MAX = 2000;
export const RETAINED_WRITE_BYTES: number = 512 * 1024;
export const RETAINED_QUEUE_BYTES_MAX: number = 32 << 20;
/** A group that has taken no write for this long has no leader: publishers of QoS 0 do not wait for it, milliseconds. */
export const RETAINED_STALL_MS = 1000;
/** Messages of a page when they are read, or offered. */
export const RETAINED_PAGE = 1000;
/** Milliseconds for what the leader says of them; then what the nearest replica has will do. */
export const RETAINED_READ_MS = 5000;
/** How often a reactor looks after them, milliseconds. */
export const RETAINED_TICK_MS = 200;
/** Expired ones that are deleted at once, and names of such that are remembered; with more all are read anew when these are gone. */
export const RETAINED_EXPIRED_BATCH = 500;
export const RETAINED_EXPIRED_MAX = 100_000;
/** Lookups that wait until the messages are there; further ones find what there is. */
export const RETAINED_HELD_MAX = 10_000;

/** Longest that a client which does not read may hold back those who publish to it, milliseconds … */
export const SLOW_GRACE_MS = 250;
/** … in this time; meanwhile messages to it are dropped at its bounds. */
export const SLOW_PENALTY_MS = 10_000;
/** How exactly a connection remembers when it was last heard, milliseconds. */
export const READ_TICK_MS = 100;
/** For a session to be handed over by its former owner, milliseconds; then the new one starts without it. The first word of one that is being let in itself comes when the store and the metadata have answered it, so longer than those may take. */
export const TAKEOVER_TIMEOUT_MS = 5000;
export const SURRENDER_TIMEOUT_MS = 15_000;
/** For the other reactors to announce their sessions to a registry that came back, milliseconds; then it serves claims without. */
export const REGISTRY_RECOVERY_MS = 1000;
/** For a client id to be registered and for a password to be checked, milliseconds; then the client is refused. */
export const CONNECT_STEP_TIMEOUT_MS = 5000;
/** For a reactor to answer one step of a retained lookup, milliseconds; then its part is passed over, as if it had died. */
export const RETAINED_ANSWER_TIMEOUT_MS = 5000;
/** Retained messages fetched at once for a new subscription, bytes. */
export const RETAINED_CHUNK_BYTES = 65_536;
/** Room in front of a reactor's read buffer for what is left of a connection's last read; a larger rest is gathered in memory of its own. */
export const READ_HEADROOM_BYTES = 65_536;
/** A connection that is being closed may take this long to send what is pending and to see the peer's end, milliseconds. */
export const SOCKET_LINGER_MS = 2000;
/** Connections that wait in the kernel for a reactor to accept them. */
export const LISTEN_BACKLOG = 4096;

/** Highest number of a shard in one log: the bound of its tables. */
export const SHARD_MAX: number = 2 ** 24;
/** Largest record batch or message block, bytes: the largest MQTT packet with its frame. A larger one is refused. */
export const RECORD_BATCH_BYTES_MAX: number = MQTT_PACKET_BYTES_MAX + 1024 * 1024;
/** Bytes staged for one commit; an append beyond is refused, so writers commit long before. */
export const COMMIT_BYTES_MAX: number = 2 * RECORD_BATCH_BYTES_MAX;
/** A batch builder keeps a buffer of at most this for its next batch, bytes. */
export const BATCH_BUILDER_BYTES_KEPT: number = 1 << 20;
/** The memory engine takes its memory in blocks of this, bytes, and gives a shard slabs of at most the second. */
export const MEMORY_BLOCK_BYTES: number = 1 << 20;
export const MEMORY_SLAB_BYTES_MAX: number = 1 << 16;
/** Entries and bytes of one page of a scan of the local store; a caller goes on behind its last key. */
export const KV_SCAN_ENTRIES_MAX = 10_000;
export const KV_SCAN_BYTES_MAX: number = 8 * 1024 * 1024;
/** A write buffer of the local store, bytes; there are two. */
export const KV_WRITE_BUFFER_BYTES: number = 16 * 1024 * 1024;
/** Batches that wait for the local store; a further one is refused. */
export const KV_BATCHES_QUEUED_MAX = 65_536;
/** Keys of a trimmed range that the rocksdb engine deletes one by one; a larger range gets one mark, and many marks would slow reads. */
export const ROCKSDB_DELETES_SINGLE_MAX = 64;
/** Memory for the end of a log comes in pieces of this, bytes. */
export const LOG_TAIL_CHUNK_BYTES: number = 4 * 1024 * 1024;
/** Files of sealed segments that a log keeps open; further ones are opened again when they are read. */
export const LOG_FILES_OPEN_MAX = 32;
/** Zeros that the log of all shards writes ahead of itself, and commits that are small enough for that, bytes. */
export const LOG_RUNWAY_BYTES: number = 256 * 1024;
export const LOG_RUNWAY_COMMIT_BYTES_MAX: number = 16 * 1024;
/** Retired segments that a log keeps for writing them again; further ones are removed. */
export const LOG_SPARES_MAX = 2;
/** What `sluice log verify` tells of one log; further findings are counted. */
export const FINDINGS_MAX = 1000;
/** How deep below a directory `sluice log verify` looks for logs. */
export const LOG_DEPTH_MAX = 4;
/** Live entries, and their bytes as a multiple of a segment's, in the front of a log that is rewritten; a front with more stays as it is. */
export const REWRITE_ENTRIES_MAX = 500_000;
export const REWRITE_SEGMENTS_LIVE_MAX = 2;
/** A front is rewritten when that frees so many times what it copies. */
export const REWRITE_GAIN_MIN = 3;
/** A step of it looks at so many entries, or reads so many bytes; the steps of one log begin so far apart, milliseconds. */
export const REWRITE_STEP_ENTRIES = 8192;
export const REWRITE_STEP_BYTES: number = 512 * 1024;
export const REWRITE_STEP_MS = 20;
/** After a front that was not worth it, or could not be rewritten, the next one is looked at after this, milliseconds. */
export const REWRITE_PAUSE_MS = 60_000;
/** Compaction by key: what may stay of a front, which is one segment with positions of 32 bits and an index in memory while it is made. */
export const COMPACTED_BYTES_MAX: number = 3.5 * 2 ** 30;
export const COMPACTED_ENTRIES_MAX: number = 2 ** 23;
/** A log of which more than that would stay is looked at again after this, milliseconds. */
export const COMPACTION_PAUSE_MS = 3_600_000;
/** Keys that are compacted at once, what is read and written at a time, and how much of a front is new. */
export const COMPACTION_KEYS_MAX = 2_000_000;
export const COMPACTION_PAGE_BYTES: number = 1024 * 1024;
export const COMPACTION_DIRTY_MIN = 0.5;
/** How long a tombstone stays after the first compaction that met it as the last of its key, milliseconds. */
export const COMPACTION_TOMBSTONE_MS: number = 24 * 3600 * 1000;
/** Frames of a shard that lie further apart than this in their file are read one by one, bytes. */
export const READ_GAP_BYTES_MAX: number = 16 * 1024;
/** Bytes staged with an engine before the store commits within a turn. */
export const STORE_COMMIT_BYTES: number = 8 * 1024 * 1024;
/** Bytes of one answer to a read; a larger frame goes alone. */
export const STORE_READ_BYTES_MAX: number = 1024 * 1024;
/** Appends that need not be durable at once are synced after this, milliseconds. */
export const STORE_SYNC_INTERVAL_MS = 1000;
/** How often the store applies retention and gives up segments that hold nothing any more, milliseconds. */
export const STORE_COLLECT_MS = 5000;
/** Replicated groups that are asked at once to write anew what they still need of the oldest segment. */
export const STORE_RESTATE_MAX = 256;
/** Bytes of appends that a reactor has on their way to the store, or waiting for it; above, publishers are held back. */
export const STORE_INFLIGHT_BYTES_MAX: number = 16 * 1024 * 1024;
/** A partition hands its batch to the store within the turn when it has this many bytes. */
export const PARTITION_BATCH_BYTES: number = 192 * 1024;
/** Messages in the store's mailbox: requests wait there only while it handles others, and their senders are bounded by what they have under way. */
export const STORE_MAILBOX_MAX = 65_536;
/** Partitions of one declared topic, and declared topics of a node. */
export const TOPIC_PARTITIONS_MAX = 1024;
export const TOPICS_DECLARED_MAX = 10_000;
/** Until a node tries again to make a declared topic, milliseconds. */
export const TOPICS_RETRY_MS = 5000;
/** A frame of messages for persistent sessions goes to the store within the turn when it has this many bytes. */
export const FAN_OUT_BYTES: number = 192 * 1024;
/** Messages of an inbox that are kept in memory for a client that keeps up, bytes; what comes on top is read from the log when its turn comes. */
export const INBOX_AHEAD_BYTES: number = 512 * 1024;
/** Bytes of an inbox read at a time. */
export const INBOX_READ_BYTES: number = 256 * 1024;
/** Inboxes made ahead of the sessions that will have them, per reactor. */
export const INBOX_SHARDS_AHEAD = 64;
/** How long clients wait for persistent sessions of a reactor that has died to be there again, milliseconds; then their messages go to those who are there. */
export const OUTAGE_MS_MAX = 30_000;
/** Until a store that could not, or did not answer, is asked again for what must be known, milliseconds. */
export const STORE_RETRY_MS = 500;
/** For the store to answer a question, milliseconds; then it counts as failed. */
export const STORE_ASK_MS = 10_000;
/** Subscriptions of one session that replay declared topics; a further one is refused. */
export const REPLAYS_MAX = 64;
/** Bytes of a declared topic that a replay reads at a time, and such reads of one reactor under way: what is left of the store's time belongs to appends. */
export const REPLAY_READ_BYTES: number = 128 * 1024;
export const REPLAY_READS_AT_ONCE = 4;
/** Topics of which a replay remembers whether its filter matches them. */
export const REPLAY_TOPICS_KNOWN_MAX = 1024;
/** How long a reader at the end of a shard waits before it asks the store anew, milliseconds. */
export const REPLAY_FOLLOW_MS = 20_000;
/** How often the place of a persistent session's replay is written down while it moves, milliseconds; after a crash what lies between comes once more. */
export const REPLAY_SAVE_MS = 1000;
/** How often a persistent session that fails is made again from disk within this time, milliseconds; then it ends, and stays on disk. */
export const SESSION_REVIVALS_MAX = 3;
export const SESSION_REVIVALS_MS = 60_000;
/** Persistent sessions that a reactor makes again at a time. */
export const SESSIONS_RESTORED_AT_ONCE = 1000;
/** Members of a Raft group: voters of both halves of a joint membership, and learners. */
export const MEMBERS_MAX = 32;
/** A Raft leader's sign of life, and how long a follower waits for one at least, milliseconds. */
export const RAFT_HEARTBEAT_MS = 50;
export const RAFT_ELECTION_MIN_MS = 300;
/** How long it waits for the next entries to tell its followers what is committed, milliseconds. */
export const RAFT_NOTICE_MS = 10;
/** A leader whose writes take longer than this resigns, milliseconds. */
export const RAFT_DISK_STALL_MS = 2000;
/** Entries in one append message, bytes; a larger entry goes alone. */
export const RAFT_APPEND_BYTES_MAX: number = 1 << 20;
/** Append messages, and their bytes, on the way to one replica. */
export const RAFT_INFLIGHT_MAX = 256;
export const RAFT_INFLIGHT_BYTES_MAX: number = 8 << 20;
/** Entries of a group that are not applied yet, bytes: a leader refuses further proposals, a follower further entries. */
export const RAFT_UNAPPLIED_BYTES_MAX: number = 64 << 20;
/** Entries handed to a state machine at once, bytes. */
export const RAFT_APPLY_BYTES_MAX: number = 1 << 20;
/** Reads of a group that wait for their leader's confirmation; a further one is refused. */
export const RAFT_READS_MAX = 65_536;
/** Log that a group keeps for a replica that lags, bytes; one that lags more gets a snapshot. */
export const RAFT_LOG_BYTES_MAX: number = 64 << 20;
/** Entries that a learner may lag behind to be made a voter. */
export const RAFT_PROMOTE_LAG_MAX = 1024;
/** One entry's data, bytes. */
export const RAFT_ENTRY_BYTES_MAX: number = 8 << 20;
/** Of a frame to another node with more than one message; larger ones go alone. */
export const RAFT_FRAME_BYTES: number = 4 << 20;
/** Snapshots of groups that a node sends at once, and takes in at once; further ones wait, further ones are asked for again. */
export const RAFT_SNAPSHOT_SENDS_MAX = 4;
export const RAFT_SNAPSHOT_RECEIVES_MAX = 16;
/** Bytes in a chunk of a snapshot, and chunks on their way to one replica. */
export const RAFT_SNAPSHOT_CHUNK_BYTES: number = 256 * 1024;
export const RAFT_SNAPSHOT_WINDOW = 4;
/** Of a file: a block, and what is known before the first one. */
export const RAFT_SNAPSHOT_BLOCK_BYTES_MAX: number = 256 * 1024;
export const RAFT_SNAPSHOT_HEAD_BYTES_MAX: number = 64 * 1024;
/** Bytes of a snapshot that arrives which wait to be written; above, it is not taken further until they are. */
export const RAFT_SNAPSHOT_BACKLOG_BYTES: number = 2 << 20;
/** Log since its last snapshot after which a group takes one, bytes. */
export const RAFT_SNAPSHOT_LOG_BYTES: number = 16 << 20;
/** What a node sends of snapshots, all together. */
export const RAFT_SNAPSHOT_BYTES_PER_SECOND: number = 64 << 20;
/** Requests that wait for a node's groups. */
export const RAFT_MAILBOX_MAX = 65_536;
/** A snapshot that could not be made is tried again after this, milliseconds. */
export const RAFT_SNAPSHOT_AGAIN_MS = 5000;
/** Chunks without an answer are sent again, and a transfer without progress is given up, after this, milliseconds. */
export const RAFT_SNAPSHOT_RETRY_MS = 500;
export const RAFT_SNAPSHOT_GIVE_UP_MS = 5000;
/** Answers that a group keeps for one client session until the client says that it has them; the oldest go first, and their commands cannot be repeated. */
export const RAFT_SESSION_REPLIES_MAX = 1024;
/** Bytes of what groups write that go to the store as one record; one group's write is never split. */
export const RAFT_RECORD_BYTES: number = 4 << 20;
/** A group with more log than this does not write it anew to free an old segment. */
export const RAFT_RESTATE_BYTES_MAX: number = 4 << 20;
/** Groups write their logs anew to free segments when the log that holds them is so many times what all of them need of it. */
export const RAFT_RESTATE_GAIN_MIN = 3;
/** What a full disk has refused is tried again after this, milliseconds. */
export const RAFT_FULL_RETRY_MS = 200;
/** How often a node that has not heard all members of its cluster speaks to them, milliseconds; to all of them once a second. */
export const CLUSTER_TICK_MS = 100;
/** How often something that is awaited of groups is looked at again, milliseconds. */
export const CLUSTER_POLL_MS = 10;
export const CLUSTER_ASK_MS = 5000;
/** A node that stops gives up on handing its groups over after this, milliseconds. */
export const CLUSTER_HAND_OVER_MS_MAX = 1000;
/** A change of members or leaders that was asked for is given up after this, milliseconds. */
export const CLUSTER_CHANGE_MS_MAX = 20_000;
/** Messages for another node: bytes of a batch, of batches that are not acknowledged, of all that wait, and of a run of messages, which has to fit into a message of the wire. */
export const RELAY_BATCH_BYTES: number = 256 * 1024;
export const RELAY_WINDOW_BYTES: number = 4 << 20;
export const RELAY_QUEUE_BYTES_MAX: number = 64 << 20;
export const RELAY_RUN_BYTES_MAX: number = 15 << 20;
/** Messages that wait on disk for a node that is away, bytes. */
export const RELAY_BACKLOG_BYTES_MAX: number = 4 * 2 ** 30;
/** Clients that have connected lately, for how long that is remembered, and client ids of one message to another node. */
export const RELAY_CLIENTS_MAX = 262_144;
export const RELAY_CLIENT_MS = 10_000;
export const RELAY_CLIENTS_BATCH = 1000;
/** Fences that wait at a node until it knows what the one who asks for them wants, and bytes of a fence's name. */
export const RELAY_FENCES_MAX = 65_536;
export const RELAY_FENCE_BYTES_MAX: number = 68 * 1024;
/** How often a node that is not there is called, milliseconds. */
export const RELAY_HELLO_MS = 1000;
/** Sessions that change nodes: entries and bytes of one call to the metadata, bytes of a page of messages, and of those that wait for the pages before them; beyond it the move is given up. */
export const HOMES_BATCH: { readonly entries: number; readonly bytes: number } = { entries: 5000, bytes: 4 << 20 };
export const HOMES_PAGE_BYTES: number = 128 * 1024;
export const HOMES_HELD_BYTES_MAX: number = 8 << 20;
/** The metadata, or another node, does not answer about a session: given up after this, milliseconds; and what a client that connects waits for a session to come here. */
export const HOMES_ASK_MS = 3000;
export const HOMES_SETTLE_MS_MAX = 20_000;
/** How often what has not come is asked for again, milliseconds; and a session that nobody comes for goes on where it was after that. */
export const HOMES_TICK_MS = 200;
export const HOMES_SILENCE_MS_MAX = 8000;
/** A move waits for the fences of nodes that do not put them, milliseconds, twice at most; and this many ticks, a HOMES_TICK_MS each, for a way to a node that the former home reaches. */
export const HOMES_FENCE_MS = 2000;
export const HOMES_PATIENCE_TICKS = 10;
/** Moves that the entry of a session remembers, for former homes that have not heard of them. */
export const HOMES_MOVES_KEPT = 8;
/** Sessions of a node that are compared with their entries, a second. */
export const HOMES_COMPARED_AT_ONCE = 256;
/** Former homes of sessions that a node remembers how much it has got from; of those that it has forgotten some messages may come twice. */
export const HOMES_FURTHERS_KEPT = 10_000;
/** Sessions that are on their way to a node at a time; further ones wait. */
export const HOMES_MOVES_MAX = 256;
/** Changes of entries that wait for the metadata; beyond it they fail. */
export const HOMES_WAITING_MAX: number = 1_000_000;
/** A node that has begun publishes no will of a session that was there before it knows what all other nodes want, or this has passed, milliseconds. */
export const HOMES_OTHERS_MS_MAX = 5000;
/** Sessions of dead nodes: what is due of them is remembered for so many, done for so many at a time, and tried again after this, milliseconds. */
export const UNDERTAKER_DUE_MAX: number = 65_536;
export const UNDERTAKER_BATCH = 500;
export const UNDERTAKER_RETRY_MS = 1000;
/** Connected clients without a session whose wills the cluster knows, of a node; those of further ones are lost with the node. */
export const WILL_BOOK_MAX: number = 1_000_000;
/** How long a session whose will is due waits until it asks again whether it may publish it, milliseconds. */
export const WILL_RETRY_MS = 1000;
/** How often the clocks of Raft groups are looked at, milliseconds; not below TIMER_TICK_MS. */
export const RAFT_TICK_MS = 20;

/** Bytes of a key of the metadata: a prefix and what MQTT can name. A longer one is refused. */
export const META_KEY_BYTES_MAX: number = 65 * 1024;
/** Bytes of one value. */
export const META_VALUE_BYTES_MAX: number = 8 << 20;
/** Bytes of one command, which has to fit into an entry. */
export const META_COMMAND_BYTES_MAX: number = 12 << 20;
/** Keys, conditions or operations of one command. */
export const META_OPS_MAX = 10_000;
/** Keys and values of one group; beyond it what writes is refused and what deletes is not. */
export const META_GROUP_BYTES_MAX: number = 2 * 1024 ** 3;
/** Values of a group kept in memory; those used longest ago are read from the store. */
export const META_HOT_BYTES_MAX: number = 256 << 20;
/** Revisions, and bytes of them, that watchers and old pages may still see; older ones are compacted. */
export const META_HISTORY_REVISIONS_MAX = 65_536;
export const META_HISTORY_BYTES_MAX: number = 16 << 20;
/** Leases of a group. */
export const META_LEASES_MAX = 100_000;
export const META_LEASE_TTL_MS_MIN = 500;
export const META_LEASE_TTL_MS_MAX: number = 366 * 24 * 3600 * 1000;
/** Bytes of changed keys and values from which on a group's state goes to its store; before that a timer sends it there. What is not there yet is in the log. */
export const META_FLUSH_BYTES: number = 2 << 20;
/** Changes that wait for the store one by one; beyond that, and if they are more than twice the keys, only the last of each key waits. */
export const META_DIRTY_CHANGES_MAX = 65_536;
/** Keys of one batch while a group's rows are written anew. */
export const META_REBUILD_KEYS = 4096;
/** Commands of one turn share an entry up to this, bytes. */
export const META_ENTRY_BYTES: number = 128 * 1024;
/** Calls and answers for one receiver share a record up to this, bytes. */
export const META_RECORD_BYTES: number = 64 * 1024;
/** Calls that a service has under way, bytes with their overhead; a further one is refused as busy. */
export const META_SERVICE_BYTES_MAX: number = 64 << 20;
/** Records that wait for a service or a client; the link before them is full when they are not taken. */
export const META_MAILBOX_MAX = 65_536;
/** Sessions of clients in a group, the one used longest ago ends; and how long one lasts that is not used, milliseconds. */
export const META_SESSIONS_MAX = 10_000;
export const META_SESSION_TTL_MS: number = 24 * 3600 * 1000;
/** For Raft to say what became of a proposal or a read, milliseconds. */
export const META_RAFT_ASK_MS = 10_000;
/** How often a service looks at leases, watchers and what is to be kept, milliseconds. */
export const META_TICK_MS = 100;
/** Between two looks at the leases no more than this counts against them, milliseconds: a leader that stood still has not heard who renewed them. */
export const META_LEASE_STEP_MS = 500;
/** Watches of one service. */
export const META_WATCHES_MAX = 10_000;
/** Bytes of changes on the way to one watcher; further ones wait in the history. */
export const META_WATCH_WINDOW_BYTES: number = 1 << 20;
/** A watcher that is told nothing hears how far it is, every so many milliseconds. */
export const META_WATCH_PROGRESS_MS = 1000;
/** A watcher that hears nothing for this long asks another replica, milliseconds. */
export const META_WATCH_SILENCE_MS = 5000;
/** Calls of one client that are not answered; a further one fails at once. */
export const META_CLIENT_CALLS_MAX = 65_536;
/** Commands of one client and group under way in its session; further ones wait. Fewer than the answers that a session keeps. */
export const META_CLIENT_WINDOW = 512;
/** A call without an answer is sent again, elsewhere, after this, milliseconds; and given up after that, if its caller does not say. */
export const META_ATTEMPT_MS = 1000;
export const META_DEADLINE_MS = 10_000;
/** How often a node that is not ready says what it waits for, milliseconds. */
export const READY_NOTICE_MS = 10_000;
/** Tries to change a name that others change at the same moment, and milliseconds until what could not be read is read again. */
export const META_TABLE_ATTEMPTS_MAX = 32;
export const META_TABLE_RETRY_MS = 200;
/** Entries of a page, and of a claim, when a table is read or brought in. */
export const META_TABLE_PAGE = 1000;
/** How often a client looks for such calls, milliseconds. */
export const META_CLIENT_TICK_MS = 50;
/** A node that does not renew its registration for this long counts as down, milliseconds; and how often it renews. */
export const NODE_LEASE_MS = 3000;
export const NODE_RENEWAL_MS = 1000;
/** A step of the registration, or of the controller's, that has failed is tried again after this, milliseconds. */
export const CONTROLLER_RETRY_MS = 300;
/** How often the controller looks whether it is the one, milliseconds. */
export const CONTROLLER_TICK_MS = 250;
/** Entries, and bytes, of one page of a range. */
export const META_RANGE_ENTRIES_MAX = 10_000;
export const META_RANGE_BYTES_MAX: number = 4 << 20;
/** Bytes of messages that wait for one peer and one class, urgent, control, data, snapshot; a further one is refused (`tellBytes` is false, a tell is a dead letter). */
export const WIRE_QUEUE_BYTES: readonly number[] = [1 << 20, 8 << 20, 16 << 20, 8 << 20];
/** Replies and watch notices pass that bound, up to this factor; then the link is given up, which settles everything. */
export const WIRE_QUEUE_FACTOR_MAX = 4;
/** Bytes of one class that may be under way to a receiver that has not yet handed them on; more is a breach of protocol. */
export const WIRE_WINDOW_BYTES: readonly number[] = [1 << 20, 8 << 20, 16 << 20, 4 << 20];
/** Bytes of one class that leave for one peer in one turn; the rest leaves in the next one. */
export const WIRE_TURN_BYTES: readonly number[] = [1 << 20, 4 << 20, 4 << 20, 512 * 1024];
/** Memory that frames are written into, one piece; a frame is at most one piece, unless a single message is larger. */
export const WIRE_SEGMENT_BYTES: number = 64 * 1024;
/** Pieces kept for reuse by a thread. */
export const WIRE_SEGMENTS_KEPT = 64;
/** Payload of one message between nodes; a larger one is refused at the sender and ends the connection at the receiver. */
export const WIRE_MESSAGE_BYTES_MAX: number = 16 << 20;
/** A frame before the peer has proven who it is. */
export const WIRE_HELLO_BYTES_MAX: number = 64 * 1024;
/** Connections that have not proven who they are yet; a further one is closed. */
export const WIRE_HANDSHAKES_MAX = 256;
/** A handshake that takes longer is ended, milliseconds. */
export const WIRE_HANDSHAKE_MS_MAX = 5000;
/** Pause between attempts to reach a peer, milliseconds: doubled each time, with jitter. */
export const WIRE_BACKOFF_MIN_MS = 50;
export const WIRE_BACKOFF_MAX_MS = 2000;
/** A link that has nothing to say says so this often, milliseconds. */
export const WIRE_PING_MS = 500;
/** A link from which nothing has come for so long is lost, milliseconds. */
export const WIRE_SILENCE_MS_MAX = 3000;
/** Schemas that one peer may announce. */
export const WIRE_SCHEMAS_MAX = 1024;

/** Rules of one source of access rules, and their topics, clients, users, groups and addresses; more are an error of the source. */
export const ACL_RULES_MAX = 100_000;
export const ACL_RULE_ITEMS_MAX = 1000;
/** Bans that a node keeps; a further one is refused. */
export const BANS_MAX = 100_000;
/** Verdicts that are kept for one client beside those on the topics; the oldest is forgotten. */
export const ACL_VERDICTS_MAX = 256;
/** For a back end to say what a client may do, milliseconds, and for main to say so; then nobody has said anything. */
export const AUTHORIZE_BACKEND_TIMEOUT_MS = 5000;
export const AUTHORIZE_TIMEOUT_MS = 7000;
/** Entries of the audit log that wait to be written; a further one is lost and the node's log says so. */
export const AUDIT_WAITING_MAX = 10_000;
/** For a reactor to answer an administrator's question, milliseconds. */
export const ADMIN_ASK_MS = 5000;
/** Entries of one answer of the administrative lists. */
export const ADMIN_PAGE_MAX = 1000;
/** Built-in users, and the groups of one; a further one is refused. */
export const USERS_MAX = 100_000;
export const USER_GROUPS_MAX = 64;
/** For a reactor to confirm changed rules or bans, milliseconds, and how often it is told before it is left to its restart. */
export const ACCESS_TIMEOUT_MS = 5000;
export const ACCESS_ATTEMPTS_MAX = 5;
/** Between two lines of the log about the same failing back end, milliseconds. */
export const FAILURE_LOG_INTERVAL_MS = 10_000;
/** Questions under way to one back end of authentication or access; a further one fails at once. */
export const BACKEND_QUESTIONS_MAX = 1024;
/** Answer of a web service that is asked about a client, bytes; a longer one is no answer. */
export const HTTP_ANSWER_BYTES_MAX = 65_536;
/** Between two readings of a key set because a token names a key that is not in it, milliseconds. */
export const KEY_SET_COOLDOWN_MS = 10_000;
/** Client ids of one reactor whose connects are counted; beyond, those that were counted first are forgotten. */
export const FLAPPING_CLIENTS_MAX = 100_000;

/** Listeners of a node; a further one is refused when the configuration is read. */
export const LISTENERS_MAX = 64;
/** Connections that a listener lets wait on a reactor for a token or for a handshake to end; a further one is turned away. */
export const LISTENER_WAITING_MAX = 4096;
/** Connections too many that a listener hears out on a reactor, to tell them so; a further one is closed without a word. */
export const REFUSALS_MAX = 64;
/** A connection that is to be refused may take this long to send its CONNECT, milliseconds. */
export const REFUSAL_MS_MAX = 2000;
/** Between two looks of a listener at handshakes that take too long and connections that wait, milliseconds. */
export const LISTENER_SWEEP_MS = 100;
/** Longest PROXY header, with everything in it, bytes; a longer one closes its connection. */
export const PROXY_HEADER_BYTES_MAX = 4096;
/** Request line and headers of a WebSocket handshake, bytes. */
export const HTTP_HEADER_BYTES_MAX = 8192;
/** Identities of a file of keys that clients share with a listener; more are refused. */
export const SHARED_KEYS_MAX = 100_000;
/** A mosquitto.conf, bytes, and files that its include_dir lines bring; more are refused. */
export const MOSQUITTO_CONF_BYTES_MAX: number = 1 << 20;
export const MOSQUITTO_CONF_FILES_MAX = 1000;
/** Longest mount point of a listener, bytes, with what `#` becomes behind it. */
export const MOUNTPOINT_BYTES_MAX = 4100;
