import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Codec } from '../../../src/storage/compression/codec.ts';
import { loadCodec } from '../../../src/storage/compression/codecs.ts';
import { lz4FrameSize } from '../../../src/storage/compression/lz4.ts';
import { loadZstdWasm } from '../../../src/storage/compression/zstd.ts';
import { codeOf } from '../arbitraries.ts';

const test = suite('compression');
const codecs: Codec[] = [...(await Promise.all([1, 2, 3, 4].map((id) => loadCodec(id)))), await loadZstdWasm()];
const [gzip, snappy, lz4, zstd, zstdWasm] = codecs as [Codec, Codec, Codec, Codec, Codec];
const MIB = 1 << 20;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const TEXT = 'the quick brown fox jumps over the lazy dog, the quick brown fox sleeps';
/** Written by the command-line tools lz4 1.9.4 and zstd 1.5.4, the latter once from a pipe (no size in the frame) and once from a file. */
const FOREIGN: [Codec, string, string][] = [
  [
    lz4,
    'frame',
    '04224d186440a739000000f01074686520717569636b2062726f776e20666f78206a756d7073206f766572201f00916c617a7920646f672c0e000c2d0060736c65657073000000004ca05a56',
  ],
  [
    lz4,
    'content size',
    '04224d186c404700000000000000b439000000f01074686520717569636b2062726f776e20666f78206a756d7073206f766572201f00916c617a7920646f672c0e000c2d0060736c65657073000000004ca05a56',
  ],
  [
    lz4,
    'block checksums',
    '04224d187440bd39000000f01074686520717569636b2062726f776e20666f78206a756d7073206f766572201f00916c617a7920646f672c0e000c2d0060736c65657073cede72d3000000004ca05a56',
  ],
  [
    lz4,
    'no checksum',
    '04224d1860408239000000f01074686520717569636b2062726f776e20666f78206a756d7073206f766572201f00916c617a7920646f672c0e000c2d0060736c6565707300000000',
  ],
  ...[zstd, zstdWasm].flatMap((codec): [Codec, string, string][] => [
    [
      codec,
      'no size',
      '28b52ffd0458e50100240374686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f672c736c6565707302005021605cb30c0b9dcfed',
    ],
    [
      codec,
      'size',
      '28b52ffd2447e50100240374686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f672c736c6565707302005021605cb30c0b9dcfed',
    ],
    [
      codec,
      'no size, no checksum',
      '28b52ffd0058e50100240374686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920646f672c736c6565707302005021605cb30c',
    ],
  ]),
  // By hand from the format: a size of 5, then one literal of 5.
  [snappy, 'raw', '051068656c6c6f'],
  [snappy, 'raw blocks in the framing', '82534e4150505900000000010000000100000007051068656c6c6f'],
];

test('reads what others write', () => {
  for (const [codec, what, text] of FOREIGN)
    assert.is(
      Buffer.from(codec.decompress(hex(text), 200)).toString(),
      codec === snappy ? 'hello' : TEXT,
      `${codec.name}, ${what}`,
    );
  const zeros = hex('28b52ffd04585400001000000100fbff39c00202001000020010000200100002001000020010000200100003120a00ccaeca39');
  for (const codec of [zstd, zstdWasm]) assert.equal(Uint8Array.from(codec.decompress(zeros, MIB)), new Uint8Array(1_000_000));
  assert.equal(Buffer.from(gzip.decompress(Buffer.concat([gzipSync('a'), gzipSync('b')]), 2)).toString(), 'ab');
});

test('gives back what went in', () => {
  const compressible = fc.array(fc.constantFrom('alpha', 'beta', 'gamma', '\0\0\0\0\0\0\0\0'), { maxLength: 2000, size: 'max' });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 3000, size: 'max' }),
    compressible.map((words) => Uint8Array.from(Buffer.from(words.join('')))),
    fc.constantFrom(100_000, 300_000).map((length) => Uint8Array.from({ length }, (_, i) => (i * i) >> 9)),
  );
  for (const codec of codecs) {
    fc.assert(
      fc.property(bytes, (plain) => {
        const packed = codec.compress(plain);
        assert.equal(Uint8Array.from(codec.decompress(packed, plain.length)), plain);
        if (plain.length > 0)
          assert.is(
            codeOf(() => codec.decompress(packed, plain.length - 1)),
            'SLUICE_BATCH_TOO_LARGE',
          );
      }),
      { numRuns: 30 },
    );
  }
});

test('each reads the others’ zstd', () => {
  const plain = Buffer.from(TEXT.repeat(1000));
  assert.equal(Buffer.from(zstdWasm.decompress(zstd.compress(plain), MIB)), plain);
  assert.equal(Buffer.from(zstd.decompress(zstdWasm.compress(plain), MIB)), plain);
});

test('a bomb is refused before its memory is taken', () => {
  const zeros = new Uint8Array(24 * MIB);
  for (const codec of codecs) {
    const bomb = codec.compress(zeros);
    assert.ok(bomb.length < zeros.length / 15, codec.name);
    const before = process.memoryUsage();
    const heldBefore = before.external + before.arrayBuffers;
    assert.is(
      codeOf(() => codec.decompress(bomb, MIB)),
      'SLUICE_BATCH_TOO_LARGE',
      codec.name,
    );
    const after = process.memoryUsage();
    assert.ok(after.external + after.arrayBuffers - heldBefore < 12 * MIB, codec.name);
  }
});

test('sizes that lie, up to the largest that can be written', () => {
  const cases: [Codec, string, string][] = [
    // A snappy block that says 4 GiB; the framing with such a block behind a good one.
    [snappy, 'ffffffff0f1068656c6c6f', 'SLUICE_BATCH_TOO_LARGE'],
    [snappy, '82534e4150505900000000010000000100000007051068656c6c6f00000009ffffffff0f10686565', 'SLUICE_BATCH_TOO_LARGE'],
    [snappy, 'ffffffffffff', 'SLUICE_BATCH_COMPRESSION'],
    [snappy, '82534e41505059000000000100000001ffffffff051068656c6c6f', 'SLUICE_BATCH_COMPRESSION'],
    [snappy, '82534e4150505900000000', 'SLUICE_BATCH_COMPRESSION'],
    // A zstd frame of one segment that says 2^63 bytes; blocks that do not bear it out; a dictionary; a reserved block.
    [zstd, '28b52ffde00000000000000080010000', 'SLUICE_BATCH_TOO_LARGE'],
    [zstd, '28b52ffd2050010000', 'SLUICE_BATCH_COMPRESSION'],
    [zstd, '28b52ffd2105050000', 'SLUICE_BATCH_COMPRESSION'],
    [zstd, '28b52ffd2000070000', 'SLUICE_BATCH_COMPRESSION'],
    [zstdWasm, '28b52ffde00000000000000080010000', 'SLUICE_BATCH_TOO_LARGE'],
    [zstdWasm, '28b52ffd2050010000', 'SLUICE_BATCH_COMPRESSION'],
    // An lz4 block larger than the frame, one that wants a dictionary, a legacy frame.
    [lz4, '04224d18604082ffffff7f00', 'SLUICE_BATCH_COMPRESSION'],
    [lz4, '04224d186140820000000000000000', 'SLUICE_BATCH_COMPRESSION'],
    [lz4, '02214c180a0000000000000000', 'SLUICE_BATCH_COMPRESSION'],
    [gzip, '1f8b0800000000000003', 'SLUICE_BATCH_COMPRESSION'],
  ];
  for (const [codec, text, code] of cases)
    assert.is(
      codeOf(() => codec.decompress(hex(text), MIB)),
      code,
      `${codec.name} ${text}`,
    );
});

test('cut anywhere, changed anywhere, or noise: an error with a code or bytes within the bound', () => {
  const plain = Buffer.from(`${TEXT}${TEXT}${TEXT}`);
  const check = (codec: Codec, bytes: Uint8Array): void => {
    const code = codeOf(() => assert.ok(codec.decompress(bytes, 4096).length <= 4096));
    assert.ok([undefined, 'SLUICE_BATCH_COMPRESSION', 'SLUICE_BATCH_TOO_LARGE'].includes(code), `${codec.name} ${code}`);
  };
  for (const codec of codecs) {
    const packed = Uint8Array.from(codec.compress(plain));
    for (let end = 0; end < packed.length; end++) {
      const code = codeOf(() => codec.decompress(packed.subarray(0, end), 4096));
      assert.ok(code !== undefined || codec === snappy, `${codec.name} cut at ${end}`);
    }
    for (let bit = 0; bit < packed.length * 8; bit++) {
      const bytes = Uint8Array.from(packed);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      check(codec, bytes);
    }
    for (let i = 0; i < 150; i++) check(codec, randomBytes(i));
  }
});

test('counts what an lz4 frame holds, exactly', () => {
  const library = createRequire(import.meta.url)('lz4-napi') as { compressFrameSync(bytes: Buffer, options: object): Buffer };
  fc.assert(
    fc.property(fc.nat(600_000), fc.integer({ min: 1, max: 60 }), fc.boolean(), (length, period, blockChecksums) => {
      const plain = Buffer.from(Uint8Array.from({ length }, (_, i) => (i % period) * (1 + (i >> 15))));
      assert.is(lz4FrameSize(library.compressFrameSync(plain, { blockChecksums, contentChecksum: true }), length), length);
    }),
    { numRuns: 25 },
  );
});

test('an unknown codec has an error with a code', async () => {
  for (const id of [5, 7, -1]) {
    const error = await loadCodec(id).catch((one: unknown) => one);
    assert.is((error as { code?: string }).code, 'SLUICE_BATCH_ATTRIBUTES');
  }
});

test.run();
