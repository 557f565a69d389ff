/**
 * MQTT over QUIC, an experiment: the first bidirectional stream of a QUIC connection carries one MQTT connection, as EMQX's single-stream mode does; further
 * streams are closed. The transport is `@matrixai/quic`, an optional dependency that is loaded when a listener of this type starts and never before.
 *
 * One UDP socket cannot be shared among reactors on the oldest Node that we run on, so one reactor takes all connections of such a listener.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Duplex } from 'node:stream';
import type { TlsSettings } from './settings.ts';

/** The parts of the library that are used; its own types cannot be, because it may not be there. */
interface QuicModule {
  readonly QUICServer: new (options: object) => QuicServer;
  readonly events: Readonly<Record<'EventQUICServerConnection' | 'EventQUICConnectionStream', { readonly name: string }>>;
}
interface QuicServer extends EventTarget {
  start(where: { host: string; port: number; ipv6Only: boolean }): Promise<void>;
  stop(options: { isApp: boolean; errorCode: number; force: boolean }): Promise<void>;
  updateConfig(config: object): void;
}
interface QuicConnection extends EventTarget {
  readonly remoteHost: string;
  readonly remotePort: number;
  stop(options: { isApp: boolean; errorCode: number; force: boolean }): Promise<void>;
}
type QuicStream = Parameters<typeof Duplex.fromWeb>[0];

const PACKAGE = '@matrixai/quic';
const IDLE_MS_MAX = 60_000;
const HMAC_KEY_BYTES = 32;
const STOP = { isApp: true, errorCode: 0, force: true } as const;

export interface QuicWhere {
  readonly host: string;
  readonly port: number;
  readonly ipv6Only: boolean;
}

export class QuicAcceptor {
  readonly #server: QuicServer;

  private constructor(server: QuicServer) {
    this.#server = server;
  }

  /** Listens; rejects when the library is not there or the address cannot be had. `accepted` gets each connection's stream and the client's address. */
  static async listen(
    where: QuicWhere,
    tls: TlsSettings,
    accepted: (stream: Duplex, address: string) => void,
  ): Promise<QuicAcceptor> {
    const { QUICServer, events } = await load();
    const server = new QUICServer({ crypto: stateless(), config: configOf(tls), logger: SILENT });
    server.addEventListener(events.EventQUICServerConnection.name, (event) => {
      const connection = (event as CustomEvent<QuicConnection>).detail;
      const { remoteHost: host, remotePort: port } = connection;
      const end = (): void => void connection.stop(STOP).catch(ignore);
      let isTaken = false;
      connection.addEventListener(events.EventQUICConnectionStream.name, (streamEvent) => {
        const stream = Duplex.fromWeb((streamEvent as CustomEvent<QuicStream>).detail);
        stream.on('error', ignore); // 'close' follows
        if (isTaken) return void stream.destroy();
        isTaken = true;
        stream.on('close', end);
        accepted(stream, host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
      });
    });
    await server.start(where);
    return new QuicAcceptor(server);
  }

  renew(tls: TlsSettings): void {
    this.#server.updateConfig(configOf(tls));
  }

  close(): void {
    void this.#server.stop(STOP).catch(ignore);
  }
}

async function load(): Promise<QuicModule> {
  try {
    return (await import(PACKAGE)) as QuicModule;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new Error(`listeners of type quic need the optional package ${PACKAGE}, which cannot be loaded here (${code})`, {
      cause: error,
    });
  }
}

function configOf({ certificates, clientAuthorities, clientCertificate }: TlsSettings): object {
  const { certificate, key } = certificates[0]!;
  return {
    cert: certificate,
    key,
    applicationProtos: ['mqtt'],
    maxIdleTimeout: IDLE_MS_MAX,
    verifyPeer: clientCertificate === 'required',
    ...(clientAuthorities === '' ? {} : { ca: clientAuthorities }),
  };
}

/** Signs the tokens by which a client proves that it has its address. */
function stateless(): object {
  const sign = (key: ArrayBuffer, data: ArrayBuffer): Buffer =>
    createHmac('sha256', new Uint8Array(key)).update(new Uint8Array(data)).digest();
  return {
    key: Uint8Array.from(randomBytes(HMAC_KEY_BYTES)).buffer,
    ops: {
      sign: async (key: ArrayBuffer, data: ArrayBuffer) => Uint8Array.from(sign(key, data)).buffer,
      verify: async (key: ArrayBuffer, data: ArrayBuffer, signature: ArrayBuffer) => {
        const [ours, theirs] = [sign(key, data), new Uint8Array(signature)];
        return ours.length === theirs.length && timingSafeEqual(ours, theirs);
      },
    },
  };
}

/** The library's own log goes to stderr line by line, as text. */
const SILENT = { getChild: (): unknown => SILENT, debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}
