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
export const RING_BYTES = 1 << 20;
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
