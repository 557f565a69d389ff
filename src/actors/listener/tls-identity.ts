/** Whom a TLS handshake has shown, in the words of a session. */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { ClientCertificate, TlsIdentity } from '../session/connection.ts';
import type { CertificateName } from './settings.ts';

/** Of a client that has shown that it shares the key of `identity` with us. */
export function sharedKeyIdentity(socket: TLSSocket, identity: string, usernameFrom: CertificateName): TlsIdentity {
  return {
    protocol: socket.getProtocol() ?? '',
    serverName: '',
    certificate: null,
    username: usernameFrom === 'identity' ? identity : '',
  };
}

export function tlsIdentity(socket: TLSSocket, isVerified: boolean, usernameFrom: CertificateName): TlsIdentity {
  const certificate = isVerified ? clientCertificate(socket) : null;
  const serverName: unknown = (socket as unknown as { servername?: unknown }).servername;
  return {
    protocol: socket.getProtocol() ?? '',
    serverName: typeof serverName === 'string' ? serverName : '',
    certificate,
    username: certificate === null ? '' : usernameOf(certificate, usernameFrom),
  };
}

function clientCertificate(socket: TLSSocket): ClientCertificate | null {
  const x509 = socket.getPeerX509Certificate?.();
  if (x509 === undefined) return null;
  const { subject } = socket.getPeerCertificate() as DetailedPeerCertificate;
  const commonName: string | readonly string[] | undefined = subject?.CN;
  return {
    commonName: typeof commonName === 'string' ? commonName : (commonName?.[0] ?? ''),
    subject: distinguishedName(x509.subject),
    issuer: distinguishedName(x509.issuer),
    alternativeNames: alternativeNames(x509.subjectAltName ?? ''),
    serialNumber: x509.serialNumber,
    fingerprint: x509.fingerprint256,
  };
}

/** Node gives a line for each part, the widest first; RFC 2253 wants them the other way round in one. */
export function distinguishedName(lines: string): string {
  return lines.split('\n').reverse().join(',');
}

/** `DNS:a, URI:b`; a name with a comma or a quote in it is in JSON's quotes. */
export function alternativeNames(text: string): string[] {
  const names: string[] = [];
  for (const [, kind = '', quoted, plain = ''] of text.matchAll(/([^:,\s][^:,]*):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?:, |$)/g)) {
    names.push(`${kind === 'IP Address' ? 'IP' : kind}:${quoted === undefined ? plain : (JSON.parse(quoted) as string)}`);
  }
  return names;
}

export function usernameOf({ commonName, subject, alternativeNames: names }: ClientCertificate, from: CertificateName): string {
  switch (from) {
    case 'none':
    case 'identity':
      return '';
    case 'cn':
      return commonName;
    case 'dn':
      return subject;
    case 'san':
      return names[0]?.slice(names[0].indexOf(':') + 1) ?? '';
  }
}
