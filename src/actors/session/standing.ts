/**
 * Where a client stands: who it is, what it may do, and until when. Made when it has been let in; kept by its session, also while it is away, because what
 * comes for it meanwhile is checked as well.
 */
import type { Identity } from '../access/messages.ts';
import type { RightsHolder } from '../access/policy.ts';
import type { Rights } from '../access/rights.ts';
import { ALL_PUBLISHES } from '../access/rules.ts';
import type { Traces } from '../insight/traces.ts';
import type { Client } from './client.ts';

export class Standing implements RightsHolder {
  readonly identity: Identity;
  /** Null: it may do everything. */
  readonly rights: Rights | null;
  /** Milliseconds since the epoch; Infinity when it may stay. */
  readonly expiresAt: number;
  readonly #onExpel: () => void;
  readonly #tapFor: Traces['tapFor'];
  #client: Client | null = null;

  constructor(identity: Identity, rights: Rights | null, expiresAt: number, onExpel: () => void, tapFor: Traces['tapFor']) {
    this.#tapFor = tapFor;
    this.identity = identity;
    this.rights = rights;
    this.expiresAt = expiresAt;
    this.#onExpel = onExpel;
  }

  /** From now on `client` publishes with these rights. */
  attach(client: Client): void {
    this.#client = client;
    client.rights = this.rights;
    client.identity = this.identity;
    this.traceChanged();
    this.rightsChanged();
  }

  /** It is traced, or not any more. */
  traceChanged(): void {
    const client = this.#client;
    if (client === null) return;
    client.tap = this.#tapFor(this.identity, client.level);
    if (client.tap !== null) client.remainder?.feed(client.tap);
  }

  rightsChanged(): void {
    const client = this.#client;
    if (client === null) return;
    client.lastTopic = null;
    client.publishable = ALL_PUBLISHES; // of the next topic, which the reader asks about
  }

  expel(): void {
    this.#onExpel();
  }
}
