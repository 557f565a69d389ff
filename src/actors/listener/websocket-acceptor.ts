/** The HTTP side of a listener: parses the opening handshake and hands out the connection behind it. Anything but such a handshake is answered and closed. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HTTP_HEADER_BYTES_MAX } from '../../base/limits.ts';
import { answerUpgrade, refusePlain, type UpgradeRules } from '../../wire/websocket/upgrade.ts';

export interface UpgradeEvents {
  /** The connection speaks WebSocket from here on; `early` was read along with the request. */
  upgraded(socket: Duplex, early: Uint8Array): void;
  refused(socket: Duplex): void;
}

export class WebSocketAcceptor {
  readonly #server: Server;

  constructor(rules: UpgradeRules, events: UpgradeEvents) {
    this.#server = createServer({ maxHeaderSize: HTTP_HEADER_BYTES_MAX, insecureHTTPParser: false });
    const refuse = (socket: Duplex, response: string): void => {
      socket.end(response);
      events.refused(socket);
    };
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const { accepted, response } = answerUpgrade(request, rules);
      if (!accepted) return refuse(socket, response);
      // Whoever takes the connection over must find no write of ours under way.
      socket.write(response, (error) => {
        if (error == null) events.upgraded(socket, head);
      });
    });
    this.#server.on('request', (request, response) => {
      response.socket?.removeAllListeners('data');
      refuse(request.socket, answerUpgradeless(request, rules));
    });
    this.#server.on('clientError', (_error, socket) => refuse(socket, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
  }

  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
    socket.resume(); // it was accepted paused
  }
}

/** A request without `Upgrade`: the wrong path is the more useful complaint. */
function answerUpgradeless(request: IncomingMessage, rules: UpgradeRules): string {
  const { accepted, response } = answerUpgrade(request, rules);
  return accepted ? refusePlain().response : response;
}
