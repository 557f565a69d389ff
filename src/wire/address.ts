/** Addresses of nodes as texts: `127.0.0.1:7600`, `[::1]:7600`, `node-2.example:7600`. */

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

export function addressText({ host, port }: NodeAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function parseAddress(text: string): NodeAddress | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]{1,253})):(\d{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const port = Number(parts[3]);
  if (port < 1 || port > 65_535) return undefined;
  return { host: parts[1] ?? parts[2]!, port };
}

/** `id@host:port`, an entry of `cluster.meta`. */
export function parseMember(text: string): (NodeAddress & { readonly node: number }) | undefined {
  const at = text.indexOf('@');
  const address = parseAddress(text.slice(at + 1));
  const node = Number(text.slice(0, at));
  return address === undefined || !Number.isInteger(node) || at < 1 ? undefined : { node, ...address };
}
