/**
 * The TLS side of a listener: a `tls.Server` that accepts nothing itself and is given connections. Certificates can be renewed under way: connections that
 * are up keep what they have negotiated, the next handshake uses the new ones.
 */
import { constants } from 'node:crypto';
import type net from 'node:net';
import * as tls from 'node:tls';
import type { TlsIdentity } from '../session/connection.ts';
import type { CertificatePair, TlsSettings } from './settings.ts';
import { sharedKeyIdentity, tlsIdentity } from './tls-identity.ts';

/** Not in Node's constants everywhere. Renegotiation is a way to make a server work; nobody needs it. */
const SSL_OP_NO_RENEGOTIATION = 0x4000_0000;
/** Forward secrecy first; those without are what small devices can do. */
const SHARED_KEY_CIPHERS =
  'TLS_AES_128_GCM_SHA256:ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES128-CBC-SHA256:PSK-CHACHA20-POLY1305:PSK-AES256-GCM-SHA384:PSK-AES128-GCM-SHA256:PSK-AES128-CBC-SHA256';
const MQTT_ALPN: readonly string[] = ['mqtt'];
const HTTP_ALPN: readonly string[] = ['http/1.1'];

export interface TlsEvents {
  /** `socket` is `raw` with TLS on it. */
  secured(raw: net.Socket, socket: tls.TLSSocket, identity: TlsIdentity): void;
  /** No handshake; the socket is closed. */
  refused(raw: net.Socket, why: string): void;
}

export class TlsAcceptor {
  readonly #server: tls.Server;
  #settings: TlsSettings;
  #contexts: readonly NamedContext[];
  #sharedKeys: ReadonlyMap<string, Buffer>;
  /** Whose key a connection has been asked for. */
  readonly #claimed = new WeakMap<tls.TLSSocket, string>();

  constructor(settings: TlsSettings, isHttp: boolean, events: TlsEvents) {
    this.#settings = settings;
    this.#contexts = contextsOf(settings);
    this.#sharedKeys = sharedKeysOf(settings);
    this.#server = tls.createServer({
      ...contextOptions(settings, settings.certificates[0]),
      ...(settings.sharedKeys === undefined ? {} : this.#sharedKeyOptions(settings.sharedKeyHint)),
      // A client that offers protocols and not this one is refused; one that offers none is welcome.
      ALPNProtocols: [...(isHttp ? HTTP_ALPN : MQTT_ALPN)],
      requestCert: settings.clientCertificate !== 'none',
      rejectUnauthorized: false, // `secured` decides, and can say why
      SNICallback: (name, then) => then(null, this.#contextFor(name)),
      handshakeTimeout: 0, // the listener's own includes what is before and after
    });
    this.#server.on('secureConnection', (socket) => {
      const raw = rawSocketOf(socket);
      const identity = this.#identify(socket);
      if (typeof identity !== 'string') return events.secured(raw, socket, identity);
      socket.destroy();
      events.refused(raw, identity);
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
    this.#server.setSecureContext(contextOptions(settings, settings.certificates[0]));
    this.#contexts = contexts;
    this.#sharedKeys = sharedKeysOf(settings);
    this.#settings = settings;
  }

  #sharedKeyOptions(pskIdentityHint: string): tls.TlsOptions {
    return {
      ...(pskIdentityHint === '' ? {} : { pskIdentityHint }),
      pskCallback: (socket, identity) => {
        this.#claimed.set(socket, identity);
        return this.#sharedKeys.get(identity) ?? null;
      },
    };
  }

  /** Who it is, or why it may not come in. */
  #identify(socket: tls.TLSSocket): TlsIdentity | string {
    const { clientCertificate, usernameFrom, sharedKeys } = this.#settings;
    if (sharedKeys !== undefined) {
      const identity = this.#claimed.get(socket);
      return identity === undefined ? 'no key was asked for' : sharedKeyIdentity(socket, identity, usernameFrom);
    }
    const isShown = clientCertificate !== 'none' && Object.keys(socket.getPeerCertificate()).length > 0;
    if (isShown && !socket.authorized) {
      return `the client's certificate is not trusted (${String(socket.authorizationError)})`;
    }
    if (!isShown && clientCertificate === 'required') return 'the client shows no certificate';
    return tlsIdentity(socket, isShown, usernameFrom);
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

function sharedKeysOf({ sharedKeys = [] }: TlsSettings): ReadonlyMap<string, Buffer> {
  return new Map(sharedKeys.map(([identity, key]) => [identity, Buffer.from(key, 'hex')]));
}

/** `pair` is undefined where keys are shared. A session is not resumed there: it would leave out who the client is. */
export function contextOptions(
  settings: TlsSettings,
  pair: CertificatePair | undefined,
): tls.SecureContextOptions & { ticketKeys: Buffer } {
  const usual = SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION;
  const ciphers = settings.ciphers || (pair === undefined ? SHARED_KEY_CIPHERS : '');
  return {
    ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
    minVersion: settings.minVersion,
    honorCipherOrder: true,
    secureOptions: pair === undefined ? usual | constants.SSL_OP_NO_TICKET : usual,
    sessionIdContext: 'sluice',
    ticketKeys: Buffer.from(settings.ticketKeys),
    ...(settings.clientAuthorities === '' ? {} : { ca: settings.clientAuthorities }),
    ...(settings.revocations === '' ? {} : { crl: settings.revocations }),
    ...(ciphers === '' ? {} : { ciphers }),
  };
}

/** The socket that was given to `accept`; Node keeps it there, in all versions that we run on. */
function rawSocketOf(socket: tls.TLSSocket): net.Socket {
  return (socket as unknown as { _parent: net.Socket })._parent;
}
