/** Which nodes are dead, for the node that has the controller: those whose lease has run out, as the controller has recorded. */
import { CONTROLLER_KEY, controllerIn, decodeNodeRecord, NODE_PREFIX, NODES_GROUP } from '../controller/messages.ts';
import type { MetaClient } from '../meta/client/client.ts';
import { endOfPrefix } from '../meta/state/record.ts';
import type { LostNodes } from './undertaker.ts';

/** Calls `then` with undefined on any other node, and when nobody answers. What the replica here has will do: the controller is beside the leader. */
export function lostNodes(
  client: Pick<MetaClient, 'get' | 'range'>,
  node: number,
  then: (lost: LostNodes | undefined) => void,
): void {
  client.get(NODES_GROUP, [CONTROLLER_KEY], true, (controller) => {
    const value = controller.isOk ? controller.value.records[0]?.value : undefined;
    if (value === undefined || controllerIn(value) !== node) return then(undefined);
    const all = { from: NODE_PREFIX, to: endOfPrefix(NODE_PREFIX), limit: 0, revision: 0 };
    client.range(NODES_GROUP, all, true, (page) => {
      if (!page.isOk) return then(undefined);
      const records = page.value.records.flatMap(({ value: bytes }) => decodeNodeRecord(bytes!) ?? []);
      then(new Map(records.filter(({ state }) => state === 'down').map((record) => [record.node, record.sinceMs])));
    });
  });
}
