/**
 * What is known of a connection besides what its client says in CONNECT: where it came from, through which listener, and who a certificate says it is.
 * Plain data, put together when it is asked for: it goes along to whoever authenticates the client, on any thread.
 */
import type { ListenerProfile } from './services.ts';
import type { Transport } from './transport.ts';

/** Whom the TLS handshake has shown. */
export interface TlsIdentity {
  /** `TLSv1.3` and the like. */
  readonly protocol: string;
  /** The name that the client asked for (SNI); '' when it asked for none. */
  readonly serverName: string;
  /** The client's certificate; null when it has shown none that one of our authorities has signed. */
  readonly certificate: ClientCertificate | null;
  /** The user name that the listener takes from the certificate; '' when it takes none, or the certificate has none. */
  readonly username: string;
}

export interface ClientCertificate {
  /** CN of the subject, '' when there is none. */
  readonly commonName: string;
  /** The whole subject as in RFC 2253: `CN=device-7,O=Plant,C=DE`. */
  readonly subject: string;
  /** The subject of who signed it, in the same form. */
  readonly issuer: string;
  /** `DNS:a.example`, `URI:urn:…`, `email:…`, `IP:…`, as in the certificate. */
  readonly alternativeNames: readonly string[];
  readonly serialNumber: string;
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
}

export interface ConnectionInfo {
  /** `address:port` of the client, from the PROXY header where the listener expects one. */
  readonly remoteAddress: string;
  /** Name of the listener. */
  readonly listener: string;
  /** Name of the chain that authenticates the clients of this listener; '' is the node's. */
  readonly authChain: string;
  /** Prefix of every topic of these clients; '' is none. */
  readonly mountpoint: string;
  /** Undefined when the connection is not encrypted. */
  readonly tls?: TlsIdentity;
}

export function connectionInfo({ name, authChain, mountpoint }: ListenerProfile, transport: Transport): ConnectionInfo {
  const { remoteAddress, tls } = transport;
  return { remoteAddress, listener: name, authChain, mountpoint, ...(tls === undefined ? {} : { tls }) };
}
