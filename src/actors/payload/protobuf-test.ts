/** Protocol buffers by protobufjs: one message of the type, with all that it requires. Fields that the type does not know are allowed, as the format has it. */
import protobuf from 'protobufjs';
import type { PayloadTest } from './schema.ts';

/** `descriptor`: what `loadProtobuf` made of the files. */
export function protobufTest(descriptor: string, message: string): PayloadTest {
  const type = protobuf.Root.fromJSON(JSON.parse(descriptor)).lookupType(message);
  return (payload) => {
    type.decode(payload);
    return true;
  };
}

/** A .proto file and those that it imports, as one text. */
export function loadProtobuf(file: string, message: string): string {
  const root = new protobuf.Root().loadSync(file).resolveAll();
  root.lookupType(message);
  return JSON.stringify(root.toJSON());
}
