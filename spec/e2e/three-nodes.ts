/** Three real nodes that are one cluster, and the folder that their data is in, which goes with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalCluster } from '../../bench/cluster/local-cluster.ts';
import { NODE } from '../nodes/node-child.ts';

export class ThreeNodes {
  readonly folder: string;
  readonly cluster: LocalCluster;

  private constructor(folder: string, cluster: LocalCluster) {
    this.folder = folder;
    this.cluster = cluster;
  }

  /** They do not run yet. `settings`: by configuration key, for all of them. `what`: whole nodes, or such with registers in their groups. */
  static async make(
    name: string,
    settings: Readonly<Record<string, string | number>> = {},
    what: 'nodes' | 'registers' = 'nodes',
  ): Promise<ThreeNodes> {
    const folder = mkdtempSync(join(tmpdir(), `sluice-${name}-`));
    const all = { 'wire.secret': 'of the specs', 'mqtt.sys_interval_s': 0, ...settings };
    const entry = what === 'nodes' ? { entry: NODE } : {};
    return new ThreeNodes(folder, await LocalCluster.make({ directory: folder, nodes: 3, settings: all, ...entry }));
  }

  async end(): Promise<void> {
    await this.cluster.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
