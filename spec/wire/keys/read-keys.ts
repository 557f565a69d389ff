/** Certificates of the specs: `node` is signed by `ca`, `other` by itself. Made for these specs alone, good for a hundred years. */
import { readFileSync } from 'node:fs';
import type { TlsKeys } from '../../../src/wire/transport.ts';

function pem(name: string): string {
  // The files stay in the source tree; this module runs from dist.
  return readFileSync(new URL(`../../../../spec/wire/keys/${name}.pem`, import.meta.url), 'utf8');
}

export function nodeKeys(): TlsKeys {
  return { cert: pem('node.cert'), key: pem('node.key'), ca: pem('ca.cert') };
}

/** Believes the authority of the nodes, but is not signed by it. */
export function strangerKeys(): TlsKeys {
  return { cert: pem('other.cert'), key: pem('other.key'), ca: pem('ca.cert') };
}
