/** The version of this build, from package.json: the one place where it is written. */
import { createRequire } from 'node:module';

// From dist/src/nodes/ up to the package.
const manifest: { readonly version: string } = createRequire(import.meta.url)('../../../package.json');

export const VERSION: string = manifest.version;
