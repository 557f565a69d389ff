/** The way of a message over bridges, in a user property, so that none goes round in circles. Pure; only MQTT 5.0 carries it. */
import { BRIDGE_HOPS_MAX } from '../../base/limits.ts';

export type UserProperties = Readonly<Record<string, string | string[]>>;

const PATH = 'sluice-bridge-path';

/**
 * The properties with who it comes from at the end of the way; undefined when the message has been at either end before, or has come far enough. A broker that has not
 * said who it is is ''.
 */
export function hop(properties: UserProperties | undefined, from: string, to: string): UserProperties | undefined {
  const known = properties?.[PATH];
  const path = known === undefined ? [] : Array.isArray(known) ? known : [known];
  const isThere = (name: string): boolean => name !== '' && path.includes(name);
  if (isThere(from) || isThere(to) || path.length >= BRIDGE_HOPS_MAX) return undefined;
  return from === '' ? { ...properties } : { ...properties, [PATH]: [...path, from] };
}
