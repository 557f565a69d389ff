/** Keys for what operators look at: events, `$SYS`, slow subscribers, alarms. See [mqtt-extensions.md](../mqtt-extensions.md). */
import { EVENT_NAMES } from '../../actors/events/names.ts';

export const EVENTS_SCHEMA = {
  type: 'array',
  items: { type: 'string', enum: EVENT_NAMES as typeof EVENT_NAMES },
  uniqueItems: true,
  default: [],
  description: 'Events that are published to `$events/NAME`. Those of messages cost something for each message.',
} as const;

export const SLOW_SCHEMA = {
  type: 'object',
  description: 'Statistics of the clients that take longest to acknowledge messages of QoS 1 and 2.',
  required: ['threshold_ms', 'top', 'expiry_s'],
  properties: {
    threshold_ms: {
      type: 'integer',
      minimum: 0,
      maximum: 3600000,
      default: 0,
      description: 'Acknowledgements that take longer are counted. 0: nothing is measured.',
    },
    top: { type: 'integer', minimum: 1, maximum: 1000, default: 10, description: 'Clients that are listed.' },
    expiry_s: {
      type: 'integer',
      minimum: 1,
      maximum: 86400,
      default: 300,
      description: 'A client of which nothing slow has been seen for so long is listed no more, seconds.',
    },
  },
} as const;

export const ALARMS_SCHEMA = {
  type: 'object',
  description: 'What the node raises an alarm for. An alarm is over when its value is a tenth below.',
  required: ['interval_s', 'reactor_busy', 'memory', 'disk', 'connections', 'history_max'],
  properties: {
    interval_s: { type: 'integer', minimum: 1, maximum: 3600, default: 10, description: 'How often the node looks, seconds.' },
    reactor_busy: {
      type: 'integer',
      minimum: 0,
      maximum: 100,
      default: 95,
      description: 'Share of the last second that a reactor was busy, percent. 0: none.',
    },
    memory: {
      type: 'integer',
      minimum: 0,
      maximum: 100,
      default: 80,
      description: 'Memory of the process, of that of the machine, percent. 0: none.',
    },
    disk: {
      type: 'integer',
      minimum: 0,
      maximum: 100,
      default: 90,
      description: 'Used part of the disk of `node.data`, percent. 0: none.',
    },
    connections: {
      type: 'integer',
      minimum: 0,
      maximum: 100,
      default: 90,
      description: 'Connections, of `mqtt.connections_max`, percent. 0: none.',
    },
    history_max: {
      type: 'integer',
      minimum: 0,
      maximum: 100000,
      default: 1000,
      description: 'Alarms that are over and still listed; the oldest is forgotten.',
    },
  },
} as const;
