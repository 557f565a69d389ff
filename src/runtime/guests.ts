/**
 * Guests: threads that are no part of the mesh of rings, because they may block, fail or be ended at any time (bridges, plugins). Main makes the channel between a
 * guest and a reactor; here the reactor gets its end. A port closes when either thread goes, which is how both learn of it. One table per thread.
 */
import type { MessagePort } from 'node:worker_threads';

type Admit = (argument: never, port: MessagePort) => void;

const doors = new Map<string, Admit>();

/** This thread takes guests of the kind from now on. */
export function onGuest<A>(kind: string, admit: (argument: A, port: MessagePort) => void): void {
  doors.set(kind, admit as Admit);
}

export function admitGuest(kind: string, argument: unknown, port: MessagePort): void {
  const admit = doors.get(kind);
  if (admit === undefined) port.close();
  else admit(argument as never, port);
}
