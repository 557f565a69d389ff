/** What main and the thread of the plugin tell each other. */
import type { MessagePort } from 'node:worker_threads';
import type { AskedHook, ToldHook } from '../../actors/plugin/hooks.ts';

/** `workerData` of the thread. */
export interface PluginBirth {
  /** URL of the module. */
  readonly module: string;
  /** For the module's `start`. */
  readonly settings: string;
  readonly logLevel: string;
  readonly node: number;
}

export type ToPlugin =
  /** A reactor's questions come here. */
  { readonly type: 'port'; readonly port: MessagePort } | { readonly type: 'ping' };

export type FromPlugin =
  /** It is loaded, and these are the hooks that it has. */
  { readonly type: 'ready'; readonly hooks: readonly (AskedHook | ToldHook)[] } | { readonly type: 'pong' };

/** Kind of guest, towards reactors. */
export const PLUGIN_GUEST = 'plugin';
