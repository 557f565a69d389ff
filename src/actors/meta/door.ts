/** Where clients of other nodes first ask: it knows the thread of the service here, whose number differs from node to node, and does nothing else. */
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import { MalformedBytes } from '../raft/codec/byte-reader.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { writeAnswer } from './codec/answer-codec.ts';
import { readCallHeader } from './codec/call-codec.ts';
import { Packer, unpack } from './codec/packing.ts';
import { META_ANSWERS, META_CALLS, ownMetaRef } from './messages.ts';

class MetaDoor implements Actor<never> {
  readonly #service: ActorRef;

  constructor(service: ActorRef) {
    this.#service = service;
  }

  receive(): void {}

  receiveBytes(kind: number, bytes: Uint8Array, start: number, end: number, ctx: ActorContext<never>): void {
    if (kind !== META_CALLS) return;
    const { sender } = ctx;
    const answers = new Packer((to, record) => ctx.tellBytes(to, META_ANSWERS, record, 0, record.length));
    try {
      unpack(bytes, start, end, (item) => {
        const { id } = readCallHeader(item);
        answers.add(sender, (writer) => writeAnswer(writer, id, { type: 'elsewhere', service: this.#service }));
      });
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
    }
    answers.flush();
  }
}

export function spawnMetaDoor(system: ActorSystem): void {
  system.spawn<never>(() => new MetaDoor(ownMetaRef(system)), { name: 'meta-door', wellKnown: WELL_KNOWN.metaDoor });
}
