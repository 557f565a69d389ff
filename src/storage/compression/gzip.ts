/** gzip, by Node itself. zlib counts what comes out and stops at the bound. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Codec, corrupt, tooLarge } from './codec.ts';

export const GZIP: Codec = {
  id: 1,
  name: 'gzip',
  compress: (bytes) => gzipSync(bytes),
  decompress(bytes, bytesMax) {
    try {
      // zlib takes no bound of 0.
      const plain = gunzipSync(bytes, { maxOutputLength: Math.max(1, bytesMax) });
      if (plain.length <= bytesMax) return plain;
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge('gzip', undefined, bytesMax);
      throw corrupt('gzip', (error as Error).message, error);
    }
    throw tooLarge('gzip', undefined, bytesMax);
  },
};
