/** What the plugin is told is what makes event messages. */
import type { EventName } from '../events/names.ts';
import type { Plugin, ToldHook } from './hooks.ts';

export const HOOK_OF: Readonly<Record<EventName, ToldHook>> = {
  client_connected: 'onConnected',
  client_disconnected: 'onDisconnect',
  session_subscribed: 'onSubscribed',
  session_unsubscribed: 'onUnsubscribed',
  message_delivered: 'onDelivered',
  message_acked: 'onAcked',
  message_dropped: 'onDropped',
};

/** The events that the plugin has hooks for. */
export function pluginEvents(plugin: Plugin): EventName[] {
  return (Object.keys(HOOK_OF) as EventName[]).filter((name) => plugin.wants(HOOK_OF[name]));
}
