/** What can happen, as topics below `$events/`. */
export const EVENT_NAMES = [
  'client_connected',
  'client_disconnected',
  'session_subscribed',
  'session_unsubscribed',
  'message_delivered',
  'message_acked',
  'message_dropped',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];
