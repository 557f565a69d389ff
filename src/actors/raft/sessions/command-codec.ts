/**
 * The data of an entry: the commands of one turn, and when the leader put them there. Sessions make them exactly-once.
 *
 *   entry   = u8 version, f64 timeMs, varint count, command × count
 *   command = u8 0 bytes                                           without a session
 *           | u8 1                                                  open a session
 *           | u8 2 varint session, varint seq, varint answeredTo, bytes
 */
import { ByteReader, MalformedBytes } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';

export type Command =
  | { readonly type: 'plain'; readonly bytes: Uint8Array }
  | { readonly type: 'open' }
  | {
      readonly type: 'session';
      readonly session: number;
      /** Numbers the session's commands; the same number is the same command, however often it comes. */
      readonly seq: number;
      /** The client has the answers to everything below: they need not be kept. */
      readonly answeredTo: number;
      readonly bytes: Uint8Array;
    };

export interface CommandBatch {
  readonly timeMs: number;
  readonly commands: readonly Command[];
}

const VERSION = 1;

const writer = new ByteWriter(64 * 1024);

export function encodeCommands({ timeMs, commands }: CommandBatch): Uint8Array {
  writer.clear();
  writer.u8(VERSION);
  writer.f64(timeMs);
  writer.varint(commands.length);
  for (const command of commands) {
    switch (command.type) {
      case 'plain':
        writer.u8(0);
        writer.bytes(command.bytes);
        break;
      case 'open':
        writer.u8(1);
        break;
      case 'session':
        writer.u8(2);
        writer.varint(command.session);
        writer.varint(command.seq);
        writer.varint(command.answeredTo);
        writer.bytes(command.bytes);
        break;
    }
  }
  return writer.take();
}

export function decodeCommands(data: Uint8Array): CommandBatch {
  const reader = new ByteReader(data);
  if (reader.u8() !== VERSION) throw new MalformedBytes('unknown version');
  const timeMs = reader.f64();
  const commands = Array.from({ length: reader.count(1) }, () => readCommand(reader));
  reader.end();
  return { timeMs, commands };
}

function readCommand(reader: ByteReader): Command {
  switch (reader.u8()) {
    case 0:
      return { type: 'plain', bytes: reader.bytes() };
    case 1:
      return { type: 'open' };
    case 2:
      return {
        type: 'session',
        session: reader.varint(),
        seq: reader.varint(),
        answeredTo: reader.varint(),
        bytes: reader.bytes(),
      };
    default:
      throw new MalformedBytes('unknown command');
  }
}
