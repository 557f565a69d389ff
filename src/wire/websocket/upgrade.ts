/**
 * The opening handshake (RFC 6455, section 4.2): whether a request becomes a WebSocket that speaks MQTT, and the answer either way. Pure; HTTP itself is
 * parsed by Node's server.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const EVERY_PATH = '*';

export interface UpgradeRules {
  /** The path that is served; `*` is every path. */
  readonly path: string;
  /** Pages that may connect, as `https://app.example`; empty lets any. Clients that are no browsers send no origin and are not asked for one. */
  readonly origins: readonly string[];
}

export interface UpgradeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** `mqtt` is the standard's [MQTT-6.0.0-3]; clients of 3.1, which says nothing of WebSocket, use the other. */
const SUBPROTOCOLS: readonly string[] = ['mqtt', 'mqttv3.1'];
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface UpgradeAnswer {
  readonly accepted: boolean;
  /** The whole response. */
  readonly response: string;
}

export function answerUpgrade({ method, url, headers }: UpgradeRequest, rules: UpgradeRules): UpgradeAnswer {
  const query = url?.indexOf('?') ?? -1;
  if (rules.path !== EVERY_PATH && (query < 0 ? url : url?.slice(0, query)) !== rules.path)
    return refused('404 Not Found', 'MQTT is not served on this path');
  if (method !== 'GET') return refused('405 Method Not Allowed', 'a WebSocket begins with GET', 'Allow: GET');
  if (headers.upgrade?.toLowerCase() !== 'websocket') return refusePlain();
  if (headers['sec-websocket-version'] !== '13') {
    return refused('426 Upgrade Required', 'only version 13 of WebSocket is spoken', 'Sec-WebSocket-Version: 13');
  }
  const key = headers['sec-websocket-key'];
  if (key === undefined || !KEY.test(key)) return refused('400 Bad Request', 'Sec-WebSocket-Key is missing or malformed');
  const { origin } = headers;
  if (rules.origins.length > 0 && origin !== undefined && !rules.origins.includes(origin)) {
    return refused('403 Forbidden', 'this origin may not connect');
  }
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const subprotocol = offered.find((name) => SUBPROTOCOLS.includes(name));
  if (subprotocol === undefined) return refused('400 Bad Request', 'the subprotocol mqtt is not offered');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}${GUID}`).digest('base64')}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`, // [MQTT-6.0.0-4]
  ];
  return { accepted: true, response: `${lines.join('\r\n')}\r\n\r\n` };
}

/** To a request that does not ask for an upgrade at all. */
export function refusePlain(): UpgradeAnswer {
  return refused('426 Upgrade Required', 'MQTT is spoken here over WebSocket', 'Upgrade: websocket');
}

function refused(status: string, why: string, header?: string): UpgradeAnswer {
  const lines = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: text/plain',
    `Content-Length: ${why.length + 1}`,
    ...(header === undefined ? [] : [header]),
  ];
  return { accepted: false, response: `${lines.join('\r\n')}\r\n\r\n${why}\n` };
}
