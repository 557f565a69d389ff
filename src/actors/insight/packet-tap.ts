/** Makes lines of the bytes that come from and go to one client, packet by packet. It copies what it reads, and what it cannot read ends that direction with a line that says so. */
import { type Packet, type Parser, parser } from 'mqtt-packet';
import { TRACE_PAYLOAD_BYTES } from '../../base/limits.ts';

export type Direction = 'in' | 'out';

export class PacketTap {
  readonly #shown: boolean;
  readonly #tell: (direction: Direction | 'event', facts: object) => void;
  readonly #parsers: Record<Direction, Parser | null>;

  constructor(level: number, shown: boolean, tell: (direction: Direction | 'event', facts: object) => void) {
    this.#shown = shown;
    this.#tell = tell;
    this.#parsers = { in: this.#parser('in', level), out: this.#parser('out', level) };
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    this.#parsers[direction]?.parse(Buffer.from(bytes.subarray(start, end)));
  }

  note(facts: object): void {
    this.#tell('event', facts);
  }

  #parser(direction: Direction, level: number): Parser {
    const made = parser({ protocolVersion: level });
    made.on('packet', (packet: Packet) => this.#tell(direction, this.#factsOf(packet)));
    made.on('error', (error: Error) => {
      this.#parsers[direction] = null;
      this.#tell(direction, { packet: 'malformed', error: error.message });
    });
    return made;
  }

  #factsOf({ cmd, length, ...rest }: Packet): object {
    const { payload, password: _, will: __, qos, retain, dup, topic, ...facts } = rest as Record<string, unknown>;
    const shown: Record<string, unknown> = { packet: cmd, bytes: length, ...facts };
    if (cmd !== 'publish') return shown;
    Object.assign(shown, { topic, qos, retain, dup });
    const bytes = Buffer.from(payload as Uint8Array | string);
    shown.payloadBytes = bytes.length;
    if (this.#shown) shown.payload = bytes.subarray(0, TRACE_PAYLOAD_BYTES).toString('utf8');
    return shown;
  }
}
