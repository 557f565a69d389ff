/**
 * Certificates, keys and lists of revocations from their files, checked as far as they can be before anybody connects: they are PEM, a key belongs to its
 * certificate, OpenSSL takes them all.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { CertificatePair, TlsSettings } from '../../actors/listener/settings.ts';
import { contextOptions } from '../../actors/listener/tls-acceptor.ts';
import { alternativeNames } from '../../actors/listener/tls-identity.ts';
import { SluiceError } from '../../base/errors.ts';
import type { TlsTable } from '../config/listener-schema.ts';
import { readSharedKeys } from './shared-keys.ts';

export interface ReadCertificates {
  readonly settings: TlsSettings;
  /** Subject and end of validity of each, for the log. */
  readonly certificates: readonly { readonly subject: string; readonly validTo: string }[];
}

/** Throws SLUICE_LISTEN_CERTIFICATE, which names the file. `key` is the part of the configuration that names the files. */
export function readCertificates(files: TlsTable, ticketKeys: Uint8Array, key: string): ReadCertificates {
  const sharedKeys = files.psk_file === '' ? undefined : readSharedKeys(files.psk_file);
  if (typeof sharedKeys === 'string') throw fault(`${key}.psk_file`, files.psk_file, sharedKeys);
  const pairs = sharedKeys === undefined ? [files, ...files.sni].map((pair) => readPair(pair, key)) : [];
  const clientAuthorities = files.ca_file === '' ? '' : readPem(files.ca_file, `${key}.ca_file`);
  if (files.client_certificate !== 'none' && clientAuthorities === '') {
    throw fault(
      `${key}.client_certificate`,
      '',
      `${files.client_certificate} needs ca_file, the authorities whose certificates are trusted`,
    );
  }
  const settings: TlsSettings = {
    certificates: pairs.map(({ pair }) => pair),
    clientAuthorities,
    revocations: files.crl_file === '' ? '' : readPem(files.crl_file, `${key}.crl_file`),
    clientCertificate: files.client_certificate,
    usernameFrom: files.username_from,
    minVersion: files.min_version,
    ciphers: files.ciphers,
    sharedKeys,
    sharedKeyHint: files.psk_hint,
    ticketKeys,
  };
  for (const pair of sharedKeys === undefined ? pairs.map((each) => each.pair) : [undefined]) {
    try {
      createSecureContext(contextOptions(settings, pair));
    } catch (error) {
      throw fault(key, '', `OpenSSL refuses this (${(error as Error).message})`, error);
    }
  }
  return { settings, certificates: pairs.map(({ x509: { subject, validTo } }) => ({ subject, validTo })) };
}

/** Changes when one of the files does. */
export function fingerprintOf(files: TlsTable): string {
  const names = [
    ...[files, ...files.sni].flatMap((pair) => [pair.cert_file, pair.key_file]),
    files.ca_file,
    files.crl_file,
    files.psk_file,
  ];
  return names
    .filter((name) => name !== '')
    .map((name) => {
      const found = statSync(name, { throwIfNoEntry: false });
      return found === undefined ? '-' : `${found.ino}:${found.size}:${found.mtimeMs}`;
    })
    .join(' ');
}

function readPair(
  { cert_file, key_file }: { cert_file: string; key_file: string },
  key: string,
): { pair: CertificatePair; x509: X509Certificate } {
  const certificate = readPem(cert_file, `${key}.cert_file`);
  const privateKey = readPem(key_file, `${key}.key_file`);
  const x509 = parsed(() => new X509Certificate(certificate), `${key}.cert_file`, cert_file);
  const keyObject: KeyObject = parsed(() => createPrivateKey(privateKey), `${key}.key_file`, key_file);
  if (!x509.checkPrivateKey(keyObject)) throw fault(`${key}.key_file`, key_file, `it does not belong to ${cert_file}`);
  const names = alternativeNames(x509.subjectAltName ?? '')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice('DNS:'.length).toLowerCase());
  return { pair: { certificate, key: privateKey, names }, x509 };
}

function readPem(file: string, key: string): string {
  if (file === '') throw fault(key, '', 'it is missing');
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fault(key, file, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`, error);
  }
}

function parsed<T>(parse: () => T, key: string, file: string): T {
  try {
    return parse();
  } catch (error) {
    throw fault(key, file, 'it is not PEM of the right kind, or the key needs a password', error);
  }
}

function fault(key: string, file: string, what: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_LISTEN_CERTIFICATE', `${key}${file === '' ? '' : ` = ${JSON.stringify(file)}`}: ${what}`, {
    cause,
  });
}
