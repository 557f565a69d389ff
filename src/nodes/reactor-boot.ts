/** Boot arguments of a reactor thread, made by main for each incarnation. Plain data. */

import type { InsightOptions } from '../actors/insight/insight.ts';
import type { IntakeOptions } from '../actors/intake/intake.ts';
import type { ListenerStart } from '../actors/listener/settings.ts';
import type { GateOptions } from '../actors/plugin/gate.ts';
import type { Declaration } from '../actors/shard/messages.ts';
import type { ScramUsers } from './auth/scram-file.ts';
import type { AccessBoot } from './broker.ts';
import type { Config } from './config/schema.ts';
import type { SharedMetadata } from './shared-retained.ts';
import type { WireBoot } from './wire-boot.ts';

export interface ReactorBoot {
  readonly config: Config;
  readonly listeners: readonly ListenerStart[];
  /** Of actors/listener/counters.ts. */
  readonly counters: SharedArrayBuffer;
  /** Undefined: the node keeps nothing on disk. */
  readonly declarations: readonly Declaration[] | undefined;
  /** For SCRAM-SHA-256; null when that is not offered. */
  readonly scram: { readonly users: ScramUsers; readonly secret: Uint8Array } | null;
  /** Undefined for a node by itself. */
  readonly wire: WireBoot | undefined;
  /** Of the nodes that are one broker; absent: this node shares nothing. */
  readonly metadata?: SharedMetadata | undefined;
  readonly intake: IntakeOptions;
  /** Null: there is no plugin. */
  readonly plugin: GateOptions | null;
  /** Among bridges. */
  readonly nodeName: string;
  /** What is watched there. */
  readonly insight: InsightOptions;
  readonly security: {
    /** Main has an authenticator. */
    readonly authenticates: boolean;
    /** Main has an authorizer. */
    readonly authorizes: boolean;
    readonly access: AccessBoot;
  };
}
