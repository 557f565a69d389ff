/**
 * The metadata of a node, kept in a sorted store. Answers come when the store has done it, in whatever order; writes are applied in theirs. What cannot be
 * written ends the node: whoever goes on without its metadata loses what it has acknowledged.
 */
import type { Actor, ActorContext, ReplyTo } from '../../runtime/actor.ts';
import type {
  MetadataFailure,
  MetadataMessage,
  MetadataPage,
  MetadataValues,
  ReadMetadata,
  ScanMetadata,
  WriteMetadata,
} from './messages.ts';

/** What keeps it. Continuations may be called at once or later, outside of any actor's turn. */
export interface MetadataStore {
  write(puts: WriteMetadata['puts'], deletes: WriteMetadata['deletes'], sync: boolean, then: (error?: Error) => void): void;
  read(keys: readonly string[], then: (error: Error | undefined, values: MetadataValues['values']) => void): void;
  scan(
    prefix: string,
    after: string | undefined,
    limit: number,
    then: (error: Error | undefined, entries: MetadataPage['entries']) => void,
  ): void;
}

const IO_DONE = 1;

export class MetadataActor implements Actor<MetadataMessage> {
  readonly #store: MetadataStore;
  readonly #onFailed: (error: Error) => void;

  constructor(store: MetadataStore, onFailed: (error: Error) => void) {
    this.#store = store;
    this.#onFailed = onFailed;
  }

  receive(message: MetadataMessage, ctx: ActorContext<MetadataMessage>): void {
    const to = ctx.replyTo();
    switch (message.type) {
      case 'write':
        this.#write(message, to, ctx);
        break;
      case 'read':
        this.#read(message, to, ctx);
        break;
      case 'scan':
        this.#scan(message, to, ctx);
        break;
    }
  }

  onIo(_event: number, argument: unknown): void {
    (argument as () => void)();
  }

  #write({ puts, deletes, sync }: WriteMetadata, to: ReplyTo | undefined, ctx: ActorContext<MetadataMessage>): void {
    this.#store.write(puts, deletes, sync, (error) => {
      if (error !== undefined) this.#onFailed(error);
      answer(ctx, to, error, () => true);
    });
  }

  #read({ keys }: ReadMetadata, to: ReplyTo | undefined, ctx: ActorContext<MetadataMessage>): void {
    this.#store.read(keys, (error, values) => answer(ctx, to, error, () => ({ values }) satisfies MetadataValues));
  }

  #scan({ prefix, after, limit }: ScanMetadata, to: ReplyTo | undefined, ctx: ActorContext<MetadataMessage>): void {
    // One more than asked for tells whether anything follows.
    this.#store.scan(prefix, after, limit + 1, (error, entries) =>
      answer(
        ctx,
        to,
        error,
        () => ({ entries: entries.slice(0, limit), isLast: entries.length <= limit }) satisfies MetadataPage,
      ),
    );
  }
}

function answer(
  ctx: ActorContext<MetadataMessage>,
  to: ReplyTo | undefined,
  error: Error | undefined,
  reply: () => unknown,
): void {
  if (to === undefined) return;
  ctx.io(IO_DONE, () => ctx.respond(to, error === undefined ? reply() : failureOf(error)));
}

function failureOf(error: Error): MetadataFailure {
  return { code: 'code' in error ? String(error.code) : 'SLUICE_STORAGE_FAILED', message: error.message };
}
