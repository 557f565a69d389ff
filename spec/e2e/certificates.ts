// Certificates made for one run of a spec, by the openssl command. Nothing of them outlives it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority with a folder of its own. */
export class Authority {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sluice-ca-'));
  readonly file: string = join(this.folder, 'ca.pem');
  readonly #key = join(this.folder, 'ca.key');
  #issued = 0;

  constructor(name = 'Sluice spec authority') {
    this.#openssl('req', '-x509', ...NEW_KEY, '-keyout', this.#key, '-out', this.file, '-days', '2', '-subj', `/CN=${name}`);
    writeFileSync(join(this.folder, 'index.txt'), '');
    writeFileSync(join(this.folder, 'crlnumber'), '01\n');
    const config = [
      '[ca]',
      'default_ca = spec',
      '[spec]',
      `database = ${join(this.folder, 'index.txt')}`,
      `crlnumber = ${join(this.folder, 'crlnumber')}`,
      'default_md = sha256',
      'default_crl_days = 2',
    ];
    writeFileSync(join(this.folder, 'ca.cnf'), `${config.join('\n')}\n`);
  }

  get cert(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** `subject` as `/O=Plant/CN=device-7`; `names` as `DNS:a.example,IP:127.0.0.1`. */
  issue(subject: string, names = ''): Issued {
    const base = join(this.folder, `issued-${++this.#issued}`);
    const [certFile, keyFile, request, extensions] = [`${base}.pem`, `${base}.key`, `${base}.csr`, `${base}.ext`];
    this.#openssl('req', '-new', ...NEW_KEY, '-keyout', keyFile, '-out', request, '-subj', subject);
    writeFileSync(extensions, names === '' ? 'basicConstraints=CA:FALSE\n' : `subjectAltName=${names}\n`);
    const signer = ['-CA', this.file, '-CAkey', this.#key, '-set_serial', String(1000 + this.#issued)];
    this.#openssl('x509', '-req', '-in', request, ...signer, '-days', '2', '-extfile', extensions, '-out', certFile);
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  }

  /** A list of revocations with all that have been revoked; returns its file. */
  revoke(...issued: Issued[]): string {
    const crl = join(this.folder, 'crl.pem');
    const by = ['-config', join(this.folder, 'ca.cnf'), '-keyfile', this.#key, '-cert', this.file];
    for (const { certFile } of issued) this.#openssl('ca', ...by, '-revoke', certFile);
    this.#openssl('ca', ...by, '-gencrl', '-out', crl);
    return crl;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
