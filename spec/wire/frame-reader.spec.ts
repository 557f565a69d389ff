import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../src/base/errors.ts';
import { encodeFrame, encodePreamble, FRAME_HEADER_BYTES, PREAMBLE_BYTES } from '../../src/wire/frame.ts';
import { FrameReader, type FrameSink } from '../../src/wire/frame-reader.ts';

const test = suite('frame reader');

interface Seen {
  readonly type: number;
  readonly body: number[];
}

/** Takes everything up to `bytesMax` of body. */
class Recorder implements FrameSink {
  readonly frames: Seen[] = [];
  range: unknown;
  readonly #bytesMax: number;

  constructor(bytesMax = 1 << 20) {
    this.#bytesMax = bytesMax;
  }

  onPreamble(range: unknown): void {
    this.range = range;
  }

  judge(_type: number, _flags: number, _count: number, bodyBytes: number): void {
    if (bodyBytes > this.#bytesMax) throw new SluiceError('SLUICE_WIRE_OVERSIZE', 'too large');
  }

  onFrame(type: number, _flags: number, _count: number, bytes: Uint8Array, start: number, end: number): void {
    this.frames.push({ type, body: [...bytes.subarray(start, end)] });
  }
}

function codeOf(run: () => void): string | undefined {
  try {
    run();
  } catch (error) {
    assert.instance(error, SluiceError);
    return (error as SluiceError).code;
  }
  return undefined;
}

/** Feeds `bytes` in chunks whose sizes repeat `sizes`, each in memory that is overwritten afterwards. */
function feed(reader: FrameReader, bytes: Uint8Array, sizes: readonly number[]): void {
  const shared = new Uint8Array(Math.max(...sizes) + 3);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.min(sizes[i % sizes.length]!, bytes.length - at);
    shared.set(bytes.subarray(at, at + size), 3);
    reader.push(shared, 3, 3 + size);
    shared.fill(0xee);
    at += size;
  }
}

const frame = fc.record({
  type: fc.nat({ max: 255 }),
  body: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 300, maxLength: 3000, size: 'max' })),
});
const chunks = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4000 })), {
  minLength: 1,
  maxLength: 6,
});

test('any frames come out as they went in, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), chunks, (frames, sizes) => {
      const bytes = Buffer.concat([
        encodePreamble({ min: 1, max: 3 }),
        ...frames.map(({ type, body }) => encodeFrame(type, body)),
      ]);
      const recorder = new Recorder();
      const reader = new FrameReader(recorder);
      feed(reader, bytes, sizes);
      assert.equal(recorder.range, { min: 1, max: 3 });
      assert.equal(
        recorder.frames,
        frames.map(({ type, body }) => ({ type, body: [...body] })),
      );
      assert.is(reader.pendingBytes, 0);
    }),
    { numRuns: 100 },
  );
});

test('a flipped bit in a body is caught by the checksum; in the length it never gives a wrong frame', () => {
  fc.assert(
    fc.property(frame, fc.nat(), chunks, ({ type, body }, position, sizes) => {
      const bytes = Buffer.concat([encodePreamble({ min: 1, max: 1 }), encodeFrame(type, body)]);
      const checked = [...Array(4).keys(), ...Array.from({ length: 4 + body.length }, (_, i) => 8 + i)];
      const bit = position % (checked.length * 8);
      bytes[PREAMBLE_BYTES + checked[bit >> 3]!]! ^= 1 << (bit & 7);
      const recorder = new Recorder(1 << 14);
      const code = codeOf(() => feed(new FrameReader(recorder), bytes, sizes));
      assert.ok(code === undefined || code === 'SLUICE_WIRE_CRC' || code === 'SLUICE_WIRE_OVERSIZE', code);
      assert.equal(recorder.frames, []);
    }),
    { numRuns: 400 },
  );
});

test('a stranger is known by the first eight bytes', () => {
  const reader = new FrameReader(new Recorder());
  assert.is(
    codeOf(() => feed(reader, Buffer.from('GET / HTTP/1.1\r\n'), [3])),
    'SLUICE_WIRE_MAGIC',
  );
});

test('an oversize frame is refused by its header, before its body or any memory for it', () => {
  const recorder = new Recorder(100);
  const reader = new FrameReader(recorder);
  reader.push(encodePreamble({ min: 1, max: 1 }), 0, PREAMBLE_BYTES);
  const header = encodeFrame(1, new Uint8Array(0)).subarray(0, FRAME_HEADER_BYTES);
  header.writeUInt32LE(0xffffffff, 0);
  reader.push(header, 0, 5);
  assert.is(
    codeOf(() => reader.push(header, 5, FRAME_HEADER_BYTES)),
    'SLUICE_WIRE_OVERSIZE',
  );
  assert.ok(reader.pendingBytes <= FRAME_HEADER_BYTES);
});

test.run();
