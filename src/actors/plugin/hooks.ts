/** What a plugin of the operator may be asked, and told. It runs on a thread of its own; on a reactor the rest of the code knows it by this alone. */
import type { Identity } from '../access/messages.ts';

/** Asked: somebody waits for the answer. */
export const ASKED_HOOKS = ['onConnect', 'onAuthorize', 'onSubscribe', 'onPublish'] as const;
/** Told: nobody waits. */
export const TOLD_HOOKS = [
  'onConnected',
  'onDisconnect',
  'onSubscribed',
  'onUnsubscribed',
  'onDelivered',
  'onAcked',
  'onDropped',
] as const;
export type AskedHook = (typeof ASKED_HOOKS)[number];
export type ToldHook = (typeof TOLD_HOOKS)[number];

/** A client as hooks see it. */
export type PluginClient = Pick<Identity, 'clientId' | 'username' | 'address' | 'listener'>;

/** What the hooks are given. Plain data: it is cloned into the plugin's thread. */
export interface HookQuestions {
  readonly onConnect: { readonly client: PluginClient; readonly cleanStart: boolean; readonly keepAlive: number };
  readonly onAuthorize: {
    readonly client: PluginClient;
    readonly action: 'publish' | 'subscribe';
    readonly topic: string;
    readonly qos: number;
    readonly retain: boolean;
  };
  readonly onSubscribe: { readonly client: PluginClient; readonly filter: string; readonly qos: number };
  readonly onPublish: {
    readonly client: PluginClient;
    readonly topic: string;
    readonly qos: number;
    readonly retain: boolean;
    readonly payload: Uint8Array;
  };
}

/** What becomes of a message: it goes on as it is, it is refused, or it goes on as another. */
export type PublishVerdict = 'pass' | 'refuse' | 'failed' | { readonly topic?: string; readonly payload?: Uint8Array };

/** `failed`: no answer in time, none that makes sense, or none at all. */
export interface HookAnswers {
  readonly onConnect: boolean | 'failed';
  readonly onAuthorize: 'allow' | 'deny' | 'ignore' | 'failed';
  readonly onSubscribe: boolean | 'failed';
  readonly onPublish: PublishVerdict;
}

/** The plugin of a reactor. */
export interface Plugin {
  wants(hook: AskedHook | ToldHook): boolean;
  /** Filters of the topics that `onPublish` is about. */
  readonly publishFilters: readonly string[];
  /** Whether what a hook that fails would have decided about is let through. */
  letsThrough(hook: AskedHook): boolean;
  /** Asks the hook about each of `questions`; `then` has the answers, in a turn of the plugin's own, exactly once. */
  ask<H extends AskedHook>(
    hook: H,
    questions: readonly HookQuestions[H][],
    then: (answers: readonly HookAnswers[H][]) => void,
  ): void;
  tell(hook: ToldHook, facts: object): void;
}

export function pluginClient({ clientId, username, address, listener }: Identity): PluginClient {
  return { clientId, username, address, listener };
}
