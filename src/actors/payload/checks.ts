/**
 * What payloads have to be, by topic: the first schema whose filter matches decides. Found out once for a topic and kept in its plan; a node without schemas has none of
 * this on the way of a message. Owned by a reactor.
 */
import { newPublishView, packetEnd, readPublish } from '../../wire/mqtt/publish-run.ts';
import { filterMatches } from '../router/filter-match.ts';
import type { Run } from '../router/sink.ts';
import { compileSchema } from './compile.ts';
import { PAYLOAD_PROBE } from './probe.ts';
import type { PayloadSchema, PayloadTest } from './schema.ts';

const { slot } = PAYLOAD_PROBE;

export class PayloadCheck {
  readonly schema: PayloadSchema;
  readonly #test: PayloadTest;
  readonly #slots: Float64Array;

  constructor(schema: PayloadSchema, test: PayloadTest, slots: Float64Array) {
    this.schema = schema;
    this.#test = test;
    this.#slots = slots;
  }

  get disconnects(): boolean {
    return this.schema.action === 'disconnect';
  }

  accepts(payload: Uint8Array): boolean {
    if (payload.length > this.schema.bytesMax) {
      this.#slots[slot.large]! += 1;
      return false;
    }
    const isGood = this.#test(payload);
    this.#slots[isGood ? slot.good : slot.bad]! += 1;
    return isGood;
  }

  /** Position after the packets at the head of the run that are accepted; its end when all are. */
  acceptedUntil({ buffer, dialect, end }: Run, start: number): number {
    let at = start;
    while (at < end) {
      const next = packetEnd(buffer, at);
      readPublish(buffer, at, next, dialect, view);
      if (!this.accepts(buffer.subarray(view.payloadStart, view.end))) return at;
      at = next;
    }
    return at;
  }
}

const view = newPublishView();

export class PayloadChecks {
  readonly #checks: readonly PayloadCheck[];

  constructor(checks: readonly PayloadCheck[]) {
    this.#checks = checks;
  }

  get isEmpty(): boolean {
    return this.#checks.length === 0;
  }

  /** Null: payloads of the topic are nobody's business. */
  checkOf(topic: string): PayloadCheck | null {
    return this.#checks.find(({ schema }) => filterMatches(schema.filter, topic)) ?? null;
  }
}

export const NO_CHECKS: PayloadChecks = new PayloadChecks([]);

/** Rejects with SLUICE_PAYLOAD_SCHEMA. */
export async function loadChecks(schemas: readonly PayloadSchema[], slots: Float64Array): Promise<PayloadChecks> {
  if (schemas.length === 0) return NO_CHECKS;
  return new PayloadChecks(
    await Promise.all(schemas.map(async (schema) => new PayloadCheck(schema, await compileSchema(schema), slots))),
  );
}
