/** A certificate for one run, by the openssl command: the same for every broker, an EC key as clients of today would meet. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BenchError } from '../load/bench-error.ts';

/** Makes it in `folder`, which the caller removes. */
export function makeCertificate(folder: string): { readonly certFile: string; readonly keyFile: string } {
  const [certFile, keyFile] = [join(folder, 'bench.pem'), join(folder, 'bench.key')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  try {
    execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', '2', '-subj', '/CN=localhost'], {
      stdio: 'ignore',
    });
  } catch {
    throw new BenchError('target', 'a certificate cannot be made: the openssl command is not installed');
  }
  return { certFile, keyFile };
}
