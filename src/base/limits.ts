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

/** Read buffer of a reactor, shared by all its sockets, bytes. */
export const READ_BUFFER_BYTES = 65_536;
/** Largest packet that MQTT can express, bytes. */
export const MQTT_PACKET_BYTES_MAX = 268_435_460;
