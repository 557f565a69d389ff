/**
 * Makes persistent sessions again: at the start of a reactor those whose client ids belong to it, and when another reactor has died, those that lived there and whose
 * ids the registry here keeps; with the former also the retained messages. One per reactor; the parent of what it makes. A page of records at a time, so a million sessions do not lie in memory twice.
 */
import { SESSIONS_RESTORED_AT_ONCE, STORE_ASK_MS } from '../../base/limits.ts';
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import { placeKey } from '../../runtime/placement.ts';
import { wellKnownRef } from '../../runtime/ref.ts';
import { decodeDelayed } from '../delayed/messages.ts';
import { hasEnded } from '../inbox/emptying.ts';
import type { Inboxes } from '../inbox/inboxes.ts';
import type { InboxState } from '../inbox/machine.ts';
import { MARK } from '../inbox/marks.ts';
import { KEYS, type MetadataFailure, type MetadataMessage, type MetadataPage, metadataRef } from '../metadata/messages.ts';
import type { RegistryMessage } from '../registry/messages.ts';
import { RETAINED_BYTES } from '../retained/messages.ts';
import type { ShardFacts } from '../store/messages.ts';
import { WELL_KNOWN } from '../well-known.ts';
import type { SessionMessage } from './messages.ts';
import { dedicatedShards } from './persistence.ts';
import { decodeSession, type SessionRecord, sessionKey } from './record.ts';
import { SessionSeed } from './seed.ts';
import type { SessionServices } from './services.ts';
import { IO_CONTINUE } from './transport.ts';

/** What a session is made again from. */
export interface Restored {
  readonly record: SessionRecord;
  readonly facts: ShardFacts;
  readonly taken: InboxState['taken'];
  /** The session is there, or has found that it is not needed. */
  readonly done: () => void;
}

/** From the registry of this reactor: sessions with these client ids lived on `thread`, which has died. Answered by telling it `restored`. */
export interface RestoreSessions {
  readonly type: 'restore';
  readonly thread: number;
  readonly clientIds: readonly string[];
}

export class RestorerActor implements Actor<RestoreSessions> {
  readonly #services: SessionServices;
  readonly #inboxes: Inboxes;
  /** Hears once how the start went. */
  readonly #onRestored: (error: Error | undefined) => void;

  constructor(services: SessionServices, inboxes: Inboxes, onRestored: (error: Error | undefined) => void) {
    this.#services = services;
    this.#inboxes = inboxes;
    this.#onRestored = onRestored;
  }

  started(ctx: ActorContext<RestoreSessions>): void {
    this.#goOnEmptying(ctx, () => this.#scan(ctx, undefined));
  }

  receive({ thread, clientIds }: RestoreSessions, ctx: ActorContext<RestoreSessions>): void {
    const registry = wellKnownRef<RegistryMessage>(this.#services.system.node, this.#services.system.thread, WELL_KNOWN.registry);
    const tell = (): void => void ctx.tell(registry, { type: 'restored', thread, clientIds });
    this.#inboxes.recall(clientIds.map(sessionKey), (values) =>
      ctx.io(IO_CONTINUE, () =>
        this.#make(
          ctx,
          values.flatMap((value) => value ?? []),
          tell,
        ),
      ),
    );
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }

  inspect(): unknown {
    return { restored: true };
  }

  /** Inboxes of sessions that were over, and of which this reactor, or one that is not there any more, was giving the messages away. */
  #goOnEmptying(ctx: ActorContext<RestoreSessions>, then: () => void): void {
    const fail = (): void => this.#onRestored(new Error('the inboxes of sessions that are over cannot be read'));
    const { thread, reactors } = this.#services.system;
    this.#inboxes.marked(MARK.ended, (marked) =>
      ctx.io(IO_CONTINUE, () => {
        if (marked === undefined) return fail();
        const ours = marked.filter(([, by]) => ((by - 1) % reactors) + 1 === thread).map(([shard]) => shard);
        if (ours.length === 0) return then();
        this.#inboxes.describe(ours, (facts) =>
          ctx.io(IO_CONTINUE, () => {
            if (facts === undefined) return fail();
            for (const [i, shard] of ours.entries()) if (facts[i]) this.#services.emptying!.resume(shard, facts[i]);
            then();
          }),
        );
      }),
    );
  }

  #scan(ctx: ActorContext<RestoreSessions>, after: string | undefined): void {
    const page = { type: 'scan', prefix: KEYS.session, limit: SESSIONS_RESTORED_AT_ONCE } as const;
    this.#ask<MetadataPage>(ctx, after === undefined ? page : { ...page, after }, (answer) => {
      if (answer === undefined) return this.#onRestored(new Error('the metadata of the sessions cannot be read'));
      const { thread, reactors } = this.#services.system;
      const ours = answer.entries.filter(([key]) => placeKey(key.slice(KEYS.session.length), reactors) === thread);
      this.#make(
        ctx,
        ours.map(([, value]) => value),
        () => {
          if (!answer.isLast) this.#scan(ctx, answer.entries.at(-1)![0]);
          // What the cluster has retained comes from the metadata.
          else if (this.#services.publisher.sharesRetained) this.#scanDelayed(ctx, undefined);
          else this.#scanRetained(ctx, undefined);
        },
      );
    });
  }

  /** Gives the retained store of this reactor its messages again. */
  #scanRetained(ctx: ActorContext<RestoreSessions>, after: string | undefined): void {
    const page = { type: 'scan', prefix: KEYS.retained, limit: SESSIONS_RESTORED_AT_ONCE } as const;
    this.#ask<MetadataPage>(ctx, after === undefined ? page : { ...page, after }, (answer) => {
      if (answer === undefined) return this.#onRestored(new Error('the retained messages cannot be read'));
      const { node, thread, reactors } = this.#services.system;
      const retained = wellKnownRef<never>(node, thread, WELL_KNOWN.retained);
      for (const [key, record] of answer.entries) {
        if (placeKey(key.slice(KEYS.retained.length), reactors) === thread) {
          ctx.tellBytes(retained, RETAINED_BYTES.restore, record, 0, record.length);
        }
      }
      if (answer.isLast) {
        ctx.tellBytes(retained, RETAINED_BYTES.restored, NOTHING, 0, 0);
        this.#scanDelayed(ctx, undefined);
      } else this.#scanRetained(ctx, answer.entries.at(-1)![0]);
    });
  }

  /** Gives the delayed messages that belong to this reactor their places again. */
  #scanDelayed(ctx: ActorContext<RestoreSessions>, after: string | undefined): void {
    const { delayed } = this.#services.intake;
    const page = { type: 'scan', prefix: KEYS.delayed, limit: SESSIONS_RESTORED_AT_ONCE } as const;
    this.#ask<MetadataPage>(ctx, after === undefined ? page : { ...page, after }, (answer) => {
      if (answer === undefined) return this.#onRestored(new Error('the delayed messages cannot be read'));
      const { thread, reactors } = this.#services.system;
      for (const [key, record] of answer.entries) {
        const id = key.slice(KEYS.delayed.length);
        const message = placeKey(id, reactors) === thread ? decodeDelayed(id, record) : undefined;
        if (message !== undefined) delayed.restore(message);
      }
      if (!answer.isLast) return this.#scanDelayed(ctx, answer.entries.at(-1)![0]);
      this.#onRestored(undefined);
    });
  }

  /** Makes the sessions of these records; `then` is called when all of them are there. */
  #make(ctx: ActorContext<RestoreSessions>, values: readonly Uint8Array[], then: () => void): void {
    const records = values.flatMap((value) => decodeSession(value) ?? []);
    if (records.length === 0) return then();
    const shards = records.map(({ shard }) => shard);
    this.#inboxes.know(shards, dedicatedShards(this.#services), (facts, taken) => {
      let waiting = records.length;
      const done = (): void => {
        if (--waiting === 0) then();
      };
      for (const [i, record] of records.entries()) {
        const fact = facts[i]!;
        if (fact === null || hasEnded(fact)) {
          // The node has died between the end of the session and that of its record, which must not outlive the number of the inbox.
          this.#forget(ctx, record);
          done();
        } else this.#spawn(ctx, { record, facts: fact, taken: taken.get(record.shard) ?? [], done });
      }
    });
  }

  #forget(ctx: ActorContext<RestoreSessions>, { clientId }: SessionRecord): void {
    ctx.tell(metadataRef(this.#services.system), { type: 'write', puts: [], deletes: [sessionKey(clientId)], sync: false });
  }

  #spawn(ctx: ActorContext<RestoreSessions>, restored: Restored): void {
    const seed = new SessionSeed(this.#services, null, restored);
    ctx.spawn<SessionMessage>(() => seed.make(), { name: 'session' });
  }

  #ask<R extends object>(
    ctx: ActorContext<RestoreSessions>,
    message: MetadataMessage,
    then: (answer: R | undefined) => void,
  ): void {
    ctx.ask<MetadataMessage, R | MetadataFailure>(metadataRef(this.#services.system), message, STORE_ASK_MS, (answer) =>
      then(answer === undefined || 'code' in answer ? undefined : answer),
    );
  }
}

const NOTHING = new Uint8Array(0);
