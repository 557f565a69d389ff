/**
 * The protocol of the metadata service, in raw bytes, between threads and between nodes alike. A client packs what it has to say in a turn into one record; the service
 * makes one entry of all commands of a turn, and packs its answers.
 *
 *   record = (u32 length, call | answer)*          codec/call-codec.ts, codec/answer-codec.ts
 */

/** Kinds of records. */
export const META_CALLS = 1;
export const META_ANSWERS = 2;

/** To itself: what a turn has brought is to be sent on. */
export interface Flush {
  readonly type: 'flush';
}

export const FLUSH: Flush = { type: 'flush' };
