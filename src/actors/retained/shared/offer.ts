/**
 * Retained messages that a node has from the time before it shared them: each is offered to the cluster once, which takes it when it has nothing for the topic, and is then forgotten here. A page at a time; what the
 * metadata has no room for stays, and is offered again in the node's next life.
 */
import { RETAINED_PAGE, RETAINED_WRITE_BYTES, STORE_ASK_MS } from '../../../base/limits.ts';
import type { MetaClient } from '../../meta/client/client.ts';
import { ABSENT, type Claim } from '../../meta/command.ts';
import { type GroupCounts, groupOfKey } from '../../meta/groups.ts';
import { KEYS, type MetadataFailure, type MetadataPage } from '../../metadata/messages.ts';
import type { StoreClient } from '../../store/client.ts';
import { RetainedRecordReader } from '../record-reader.ts';
import { retainedKey } from './shared-retainer.ts';

export interface OfferPorts {
  readonly store: Pick<StoreClient, 'askMetadata'>;
  readonly client: Pick<MetaClient, 'command'>;
  readonly counts: GroupCounts;
  readonly wallClock: () => number;
}

export function offerRetained(ports: OfferPorts, after?: string): void {
  const scan = { type: 'scan', prefix: KEYS.retained, limit: RETAINED_PAGE } as const;
  const page = after === undefined ? scan : { ...scan, after };
  ports.store.askMetadata<MetadataPage | MetadataFailure>(page, STORE_ASK_MS, (answer) => {
    if (answer === undefined || 'code' in answer || answer.entries.length === 0) return;
    const last = answer.isLast ? undefined : answer.entries.at(-1)![0];
    offerPage(ports, answer.entries, () => {
      if (last !== undefined) offerRetained(ports, last);
    });
  });
}

function offerPage(ports: OfferPorts, entries: MetadataPage['entries'], then: () => void): void {
  const commands: { readonly group: number; readonly claims: Claim[]; bytes: number }[] = [];
  const reader = new RetainedRecordReader();
  const now = ports.wallClock();
  for (const [key, value] of entries) {
    const isGood = reader.read(value, 0, value.length) && key === KEYS.retained + reader.name;
    if (!isGood || (reader.expiresAt !== 0 && reader.expiresAt <= now)) continue;
    const metaKey = retainedKey(reader.name);
    const group = groupOfKey('data', metaKey, ports.counts);
    let command = commands.findLast((each) => each.group === group);
    // A command takes one of the largest, and several MiB beside it.
    if (command === undefined || command.bytes > RETAINED_WRITE_BYTES) {
      command = { group, claims: [], bytes: 0 };
      commands.push(command);
    }
    command.claims.push({ key: metaKey, expected: ABSENT, value, lease: 0 });
    command.bytes += value.length;
  }
  let left = commands.length;
  let isTaken = true;
  const forget = (): void => {
    if (!isTaken) return then();
    const deletes = entries.map(([key]) => key);
    ports.store.askMetadata<unknown>({ type: 'write', puts: [], deletes, sync: true }, STORE_ASK_MS, then);
  };
  if (left === 0) return forget();
  for (const { group, claims } of commands) {
    ports.client.command(
      group,
      { type: 'claim', claims, wantsBefore: false },
      (outcome) => {
        isTaken &&= outcome.isOk;
        if (--left === 0) forget();
      },
      { deadlineMs: Number.POSITIVE_INFINITY },
    );
  }
}
