/** The one line on stdout that says that a node serves: `READY {"node":1,"pid":…}`. Tools wait for it and parse it. */

export interface Ready {
  readonly node: number;
  readonly pid: number;
  /** `host:port` of each listener; one that is off is absent. */
  readonly http?: string;
  readonly wire?: string;
  /** By the name of the listener: `tcp`, `tls`, `ws`, `wss`, or as configured. A Unix socket is its path. */
  readonly mqtt?: Readonly<Record<string, string>>;
}

const PREFIX = 'READY ';

export function formatReady(ready: Ready): string {
  return `${PREFIX}${JSON.stringify(ready)}\n`;
}

/** Undefined when the line is another one. */
export function parseReady(line: string): Ready | undefined {
  return line.startsWith(PREFIX) ? (JSON.parse(line.slice(PREFIX.length)) as Ready) : undefined;
}
