import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Broker } from './broker.ts';

/** A node whose configuration is a file in `folder`, and how to change it: returns the keys that changed, all of which have to be in force. */
export async function startFrom(
  folder: string,
  name: string,
  threads: number,
  mqtt: string,
): Promise<{ broker: Broker; change(mqtt: string): Promise<string[]> }> {
  const file = join(folder, `${name}.toml`);
  writeFileSync(file, mqtt);
  const settings = { 'node.threads': threads, 'node.data': join(folder, name), 'storage.enabled': 'false' };
  const broker = await Broker.start(settings, {}, file);
  return {
    broker,
    async change(fresh) {
      writeFileSync(file, fresh);
      const answer = await fetch(`${broker.http}/api/v1/config/reload`, { method: 'POST' });
      assert.is(answer.status, 200);
      const { applied, refused } = (await answer.json()) as { applied: string[]; refused: string[] };
      assert.equal(refused, []);
      return applied;
    },
  };
}
