/** A schema that the payloads of some topics have to keep to. Plain data: it crosses into the reactors with its text. */
export interface PayloadSchema {
  readonly filter: string;
  readonly type: 'json' | 'avro' | 'protobuf';
  /** Where it is from, for messages. */
  readonly file: string;
  /** For `protobuf` all files that it imports are in it, as a descriptor in JSON. */
  readonly text: string;
  /** For `protobuf`: the full name of the message. */
  readonly message: string;
  /** What becomes of a message that does not keep to it: it is refused, or its client is disconnected. */
  readonly action: 'drop' | 'disconnect';
  /** A larger payload does not keep to it, and is not looked at. */
  readonly bytesMax: number;
}

/** Whether the bytes are what the schema says. Never throws. */
export type PayloadTest = (payload: Uint8Array) => boolean;
