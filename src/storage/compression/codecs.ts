/** The codecs, each loaded when the first batch needs it. */
import { SluiceError } from '../../base/errors.ts';
import { type Codec, tooLarge } from './codec.ts';

const loaded: (Promise<Codec> | undefined)[] = [];

/** The codec with this number of the attributes; loads its library when it is needed first. */
export function loadCodec(id: number): Promise<Codec> {
  return (loaded[id] ??= load(id));
}

async function load(id: number): Promise<Codec> {
  switch (id) {
    case 0:
      return NONE;
    case 1:
      return (await import('./gzip.ts')).GZIP;
    case 2:
      return (await import('./snappy.ts')).loadSnappy();
    case 3:
      return (await import('./lz4.ts')).loadLz4();
    case 4:
      return (await import('./zstd.ts')).loadZstd();
    default:
      throw new SluiceError('SLUICE_BATCH_ATTRIBUTES', `There is no compression ${id}.`);
  }
}

const NONE: Codec = {
  id: 0,
  name: 'none',
  compress: (bytes) => bytes,
  decompress(bytes, bytesMax) {
    if (bytes.length > bytesMax) throw tooLarge('none', bytes.length, bytesMax);
    return bytes;
  },
};
