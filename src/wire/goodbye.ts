/** The last frame of a connection: why it is closed. */
import { ERROR_CATALOGUE, type ErrorCode, SluiceError } from '../base/errors.ts';
import { avroType, decodeAvro } from './avro.ts';
import { encodeFrame, FRAME } from './frame.ts';
import { GOODBYE_SCHEMA, type Goodbye } from './schema-types.ts';

const GOODBYE = avroType(GOODBYE_SCHEMA);
const TEXT_CHARACTERS_MAX = 500;

export function encodeGoodbye({ code, message }: SluiceError): Buffer {
  const goodbye: Goodbye = { code, text: message.slice(0, TEXT_CHARACTERS_MAX) };
  return encodeFrame(FRAME.goodbye, GOODBYE.toBuffer(goodbye));
}

/** As an error of ours. A code that this release does not know is reported as a lost connection. */
export function decodeGoodbye(bytes: Uint8Array, start: number, end: number): SluiceError {
  const { code, text } = decodeAvro<Goodbye>(GOODBYE, bytes, start, end);
  const known: ErrorCode = code in ERROR_CATALOGUE ? (code as ErrorCode) : 'SLUICE_WIRE_UNREACHABLE';
  return new SluiceError(known, `the peer says: ${text.slice(0, TEXT_CHARACTERS_MAX)}`);
}

/** What went wrong on a connection. Our own errors pass; anything else is a programmer's error and is thrown again. */
export function wireError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  throw error;
}
