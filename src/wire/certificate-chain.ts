/**
 * Whether a chain of certificates leads to the cluster's authority, for transports that leave that to us. Which node a
 * certificate names does not matter: it says that its holder belongs to the cluster, the handshake says who it is.
 */
import { X509Certificate } from 'node:crypto';

/** `chain` as the peer sent it, leaf first, DER; `authorities` PEM, one or several. */
export function isSignedBy(chain: readonly Uint8Array[], authorities: string, wallClockMs: number): boolean {
  try {
    const roots = splitPem(authorities).map((pem) => new X509Certificate(pem));
    const certificates = chain.map((der) => new X509Certificate(der));
    const leaf = certificates[0];
    if (leaf === undefined || !certificates.every((certificate) => isCurrent(certificate, wallClockMs))) return false;
    for (const [i, certificate] of certificates.entries()) {
      if (roots.some((root) => isCurrent(root, wallClockMs) && isIssuedBy(certificate, root))) return true;
      const issuer = certificates[i + 1];
      if (issuer === undefined || !isIssuedBy(certificate, issuer)) return false;
    }
    return false;
  } catch {
    return false;
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isCurrent({ validFrom, validTo }: X509Certificate, wallClockMs: number): boolean {
  return Date.parse(validFrom) <= wallClockMs && wallClockMs <= Date.parse(validTo);
}

function splitPem(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}
