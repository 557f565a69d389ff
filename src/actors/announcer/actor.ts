/** The announcer of a reactor: publishes what the server has to say, of main's and of this reactor's own events. */
import type { Actor, ActorContext } from '../../runtime/actor.ts';
import type { ActorRef } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { Events } from '../events/events.ts';
import type { Publisher } from '../router/publisher.ts';
import type { TopicTable } from '../router/topic-table.ts';
import { WELL_KNOWN } from '../well-known.ts';
import { announceRun } from './announce-run.ts';
import type { Announce, Announcement } from './messages.ts';

const EVENTS = 1;

export class AnnouncerActor implements Actor<Announce> {
  readonly #publisher: Publisher;
  readonly #topics: TopicTable;
  readonly #events: Events | null;

  constructor(publisher: Publisher, topics: TopicTable, events: Events | null) {
    this.#publisher = publisher;
    this.#topics = topics;
    this.#events = events;
  }

  started(ctx: ActorContext<Announce>): void {
    if (this.#events === null) return;
    // Not in the turn that the event is of: a delivery that led to another publish would be in the middle of the first.
    this.#events.onQueued = () => ctx.io(EVENTS, undefined);
    this.#announce(this.#events.take());
  }

  receive({ messages }: Announce): void {
    this.#announce(messages);
  }

  onIo(): void {
    if (this.#events !== null) this.#announce(this.#events.take());
  }

  inspect(): unknown {
    return { events: this.#events?.names ?? [] };
  }

  #announce(messages: readonly Announcement[]): void {
    for (const message of messages) {
      const run = announceRun(message, this.#topics);
      if (run !== undefined) this.#publisher.publish(run);
    }
  }
}

export function spawnAnnouncer(
  system: ActorSystem,
  publisher: Publisher,
  topics: TopicTable,
  events: Events | null,
): ActorRef<Announce> {
  return system.spawn<Announce>(() => new AnnouncerActor(publisher, topics, events), {
    name: 'announcer',
    wellKnown: WELL_KNOWN.announcer,
  });
}
