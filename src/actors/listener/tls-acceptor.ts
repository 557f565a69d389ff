/**
 * The TLS side of a listener: a `tls.Server` that accepts nothing itself and is given connections. Certificates can be renewed under way: connections that
 * are up keep what they have negotiated, the next handshake uses the new ones.
 */
import { constants } from 'node:crypto';
import type net from 'node:net';
import * as tls from 'node:tls';
import type { CertificatePair, TlsSettings } from './settings.ts';

/** Not in Node's constants everywhere. Renegotiation is a way to make a server work; nobody needs it. */
const SSL_OP_NO_RENEGOTIATION = 0x4000_0000;
const MQTT_ALPN: readonly string[] = ['mqtt'];
const HTTP_ALPN: readonly string[] = ['http/1.1'];

export interface TlsEvents {
  /** `socket` is `raw` with TLS on it. `isVerified`: it has shown a certificate, and one of our authorities has signed it. */
  secured(raw: net.Socket, socket: tls.TLSSocket, isVerified: boolean): void;
  /** No handshake; the socket is closed. */
  refused(raw: net.Socket, why: string): void;
}

export class TlsAcceptor {
  readonly #server: tls.Server;
  #settings: TlsSettings;
  #contexts: readonly NamedContext[];

  constructor(settings: TlsSettings, isHttp: boolean, events: TlsEvents) {
    this.#settings = settings;
    this.#contexts = contextsOf(settings);
    this.#server = tls.createServer({
      ...contextOptions(settings, settings.certificates[0]!),
      // A client that offers protocols and not this one is refused; one that offers none is welcome.
      ALPNProtocols: [...(isHttp ? HTTP_ALPN : MQTT_ALPN)],
      requestCert: settings.clientCertificate !== 'none',
      rejectUnauthorized: false, // `secured` decides, and can say why
      SNICallback: (name, then) => then(null, this.#contextFor(name)),
      handshakeTimeout: 0, // the listener's own includes what is before and after
    });
    this.#server.on('secureConnection', (socket) => {
      const raw = rawSocketOf(socket);
      const isShown = this.#settings.clientCertificate !== 'none' && Object.keys(socket.getPeerCertificate()).length > 0;
      const why = socket.authorizationError as unknown as string | null;
      if (isShown ? !socket.authorized : this.#settings.clientCertificate === 'required') {
        socket.destroy();
        events.refused(
          raw,
          isShown ? `the client's certificate is not trusted (${String(why)})` : 'the client shows no certificate',
        );
      } else {
        events.secured(raw, socket, isShown);
      }
    });
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      events.refused(rawSocketOf(socket), error.code ?? error.message);
    });
  }

  accept(raw: net.Socket): void {
    this.#server.emit('connection', raw);
  }

  /** Throws when OpenSSL does not take them, and keeps the former. */
  renew(settings: TlsSettings): void {
    const contexts = contextsOf(settings);
    this.#server.setSecureContext(contextOptions(settings, settings.certificates[0]!));
    this.#contexts = contexts;
    this.#settings = settings;
  }

  /** Undefined is the first certificate. */
  #contextFor(name: string): tls.SecureContext | undefined {
    const asked = name.toLowerCase();
    const parent = `*${asked.slice(Math.max(0, asked.indexOf('.')))}`;
    return (
      this.#contexts.find(({ names }) => names.includes(asked)) ?? this.#contexts.find(({ names }) => names.includes(parent))
    )?.context;
  }
}

interface NamedContext {
  readonly names: readonly string[];
  readonly context: tls.SecureContext;
}

function contextsOf(settings: TlsSettings): NamedContext[] {
  return settings.certificates.map((pair) => ({
    names: pair.names,
    context: tls.createSecureContext(contextOptions(settings, pair)),
  }));
}

export function contextOptions(settings: TlsSettings, pair: CertificatePair): tls.SecureContextOptions & { ticketKeys: Buffer } {
  return {
    cert: pair.certificate,
    key: pair.key,
    minVersion: settings.minVersion,
    honorCipherOrder: true,
    secureOptions: SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    sessionIdContext: 'sluice',
    ticketKeys: Buffer.from(settings.ticketKeys),
    ...(settings.clientAuthorities === '' ? {} : { ca: settings.clientAuthorities }),
    ...(settings.revocations === '' ? {} : { crl: settings.revocations }),
    ...(settings.ciphers === '' ? {} : { ciphers: settings.ciphers }),
  };
}

/** The socket that was given to `accept`; Node keeps it there, in all versions that we run on. */
function rawSocketOf(socket: tls.TLSSocket): net.Socket {
  return (socket as unknown as { _parent: net.Socket })._parent;
}
