/** What one listener is to be, as plain data: main makes it of the configuration, and it crosses to every reactor. */
import type { UpgradeRules } from '../../wire/websocket/upgrade.ts';
import type { SessionLimits } from '../session/limits.ts';
import type { ListenerProfile } from '../session/services.ts';

export type ListenerType = 'tcp' | 'tls' | 'ws' | 'wss' | 'unix' | 'quic';

export interface ListenerSettings extends ListenerProfile {
  readonly type: ListenerType;
  /** Its chain has somebody to ask who a client is. */
  readonly authenticates: boolean;
  /** Clients may authenticate by SCRAM. */
  readonly scram: boolean;
  readonly limits: Omit<SessionLimits, 'sharing'>;
  readonly intake: IntakeSettings;
  /** A PROXY header is demanded of every connection, and nothing else is served. */
  readonly proxyProtocol: boolean;
  /** Probes of an idle TCP connection begin after this, milliseconds; 0: none. */
  readonly tcpKeepAliveMs: number;
  /** With types `ws` and `wss`. */
  readonly upgrade: UpgradeRules | undefined;
  /** With types `tls`, `wss` and `quic`. */
  readonly tls: TlsSettings | undefined;
}

/** What of a listener can change while it listens. */
export type ChangedListener = Pick<ListenerSettings, 'limits' | 'intake'>;

export interface IntakeSettings {
  /** Connections of this listener, over all reactors. */
  readonly connectionsMax: number;
  /** Connections of all listeners of the node. */
  readonly nodeConnectionsMax: number;
  /** New connections per second and reactor that are let in; further ones wait. 0: all. */
  readonly ratePerSecond: number;
  /** Handshakes (PROXY, TLS, WebSocket) under way at a time on a reactor; further connections wait. */
  readonly handshakesMax: number;
  /** From accept to the end of the handshakes, waiting included, milliseconds. */
  readonly handshakeTimeoutMs: number;
}

export type CertificateDemand = 'none' | 'optional' | 'required';
/** What of a client's certificate, or of the key that it shares with us, is its user name. */
export type CertificateName = 'none' | 'cn' | 'dn' | 'san' | 'identity';

export interface TlsSettings {
  /** The first is for clients that name no server, or one that no certificate is for. None where keys are shared beforehand. */
  readonly certificates: readonly CertificatePair[];
  /** Certificates of the authorities that sign clients' certificates, PEM; '' is none. */
  readonly clientAuthorities: string;
  /** Revoked certificates of clients, PEM; '' is none. */
  readonly revocations: string;
  readonly clientCertificate: CertificateDemand;
  readonly usernameFrom: CertificateName;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's list; '' is Node's default. */
  readonly ciphers: string;
  /** Identities and keys, hexadecimal, of clients that share one with us; undefined where certificates are used. */
  readonly sharedKeys: readonly (readonly [identity: string, key: string])[] | undefined;
  readonly sharedKeyHint: string;
  /** Shared by all reactors, so that a session is resumed on any of them. */
  readonly ticketKeys: Uint8Array;
}

export interface CertificatePair {
  /** With its chain, PEM. */
  readonly certificate: string;
  readonly key: string;
  /** Server names that it is for, lower case; `*.example.org` covers one label. */
  readonly names: readonly string[];
}

/** Where to accept. `reusePort` and `fd` are both newer than, or missing from, the types of the oldest Node that we run on. */
export type ListenTarget =
  | { readonly host: string; readonly port: number; readonly ipv6Only: boolean; readonly reusePort: true }
  | { readonly fd: number }
  /** QUIC, on one reactor. */
  | { readonly udp: { readonly host: string; readonly port: number; readonly ipv6Only: boolean } };

/** One listener for one incarnation of one reactor. */
export interface ListenerStart {
  readonly settings: ListenerSettings;
  /** Its row of the counters that the reactors share. */
  readonly row: number;
  readonly target: ListenTarget;
}
