/**
 * The header that a proxy puts in front of a connection to say whose it is (PROXY protocol, versions 1 and 2, www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
 *
 *   v1   "PROXY TCP4 192.0.2.7 198.51.100.1 56324 1883\r\n"        at most 107 bytes
 *   v2   signature 12 · version and command 1 · family 1 · length 2 · addresses and TLVs
 *
 * Nothing is taken for granted: a header that is not complete, too long or malformed says so, and the bytes after it are none of its business.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { PROXY_HEADER_BYTES_MAX } from '../../base/limits.ts';

export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly state: 'partial' }
  | { readonly state: 'malformed'; readonly why: string }
  /** `source` is `address:port` of the client; undefined when the proxy speaks for itself (LOCAL) or does not know (UNKNOWN). */
  | { readonly state: 'whole'; readonly bytes: number; readonly source: string | undefined };

const V1_BYTES_MAX = 107;
const V1_PREFIX = Buffer.from('PROXY ', 'latin1');
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;
const PARTIAL: ProxyHeader = { state: 'partial' };

/** Reads the header at the start of `bytes`. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (startsLike(bytes, V2_SIGNATURE))
    return bytes.length < V2_FIXED_BYTES ? PARTIAL : readV2(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (startsLike(bytes, V1_PREFIX)) return readV1(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  return malformed('it does not begin with a PROXY header');
}

/** `bytes` begin with `prefix` as far as they go. */
function startsLike(bytes: Uint8Array, prefix: Uint8Array): boolean {
  const length = Math.min(bytes.length, prefix.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

function malformed(why: string): ProxyHeader {
  return { state: 'malformed', why };
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\r\n', 0, 'latin1');
  if (end < 0) return bytes.length >= V1_BYTES_MAX ? malformed('its line is longer than 107 bytes') : PARTIAL;
  const line = bytes.toString('latin1', 0, end);
  const whole = (source: string | undefined): ProxyHeader => ({ state: 'whole', bytes: end + 2, source });
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return whole(undefined);
  const fields = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/.exec(line);
  if (fields === null) return malformed('its line is not of the form PROXY TCP4 source destination port port');
  const [, family, source = '', destination = '', port, destinationPort] = fields;
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  if (!isAddress(source) || !isAddress(destination)) return malformed('it names an address that is none');
  if (!isPort(port) || !isPort(destinationPort)) return malformed('it names a port that is none');
  return whole(family === 'TCP4' ? `${source}:${Number(port)}` : `[${source}]:${Number(port)}`);
}

function isPort(digits: string | undefined): boolean {
  return Number(digits) <= 65_535 && !/^0\d/.test(digits ?? '');
}

function readV2(bytes: Buffer): ProxyHeader {
  const version = bytes[12]! >> 4;
  const command = bytes[12]! & 15;
  if (version !== 2) return malformed(`its version is ${version}`);
  if (command > 1) return malformed(`its command is ${command}`);
  const total = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (total > PROXY_HEADER_BYTES_MAX) return malformed(`it is longer than ${PROXY_HEADER_BYTES_MAX} bytes`);
  if (bytes.length < total) return PARTIAL;
  if (command === 0) return { state: 'whole', bytes: total, source: undefined };
  return readV2Source(bytes, total);
}

/** What follows the addresses are TLVs, which tell nothing that is needed here. */
function readV2Source(bytes: Buffer, total: number): ProxyHeader {
  const family = bytes[13]! >> 4;
  const addresses = total - V2_FIXED_BYTES;
  const whole = (source: string | undefined): ProxyHeader => ({ state: 'whole', bytes: total, source });
  switch (family) {
    case 0:
      return whole(undefined);
    case 1: {
      if (addresses < 12) return malformed('its addresses are cut');
      return whole(`${[...bytes.subarray(16, 20)].join('.')}:${bytes.readUInt16BE(24)}`);
    }
    case 2: {
      if (addresses < 36) return malformed('its addresses are cut');
      return whole(`[${ipv6Text(bytes)}]:${bytes.readUInt16BE(48)}`);
    }
    case 3:
      return addresses < 216 ? malformed('its addresses are cut') : whole('unix');
    default:
      return malformed(`its address family is ${family}`);
  }
}

/** The sixteen bytes at 16 in the short form of RFC 5952. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(16 + 2 * i).toString(16)).join(':');
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
}
