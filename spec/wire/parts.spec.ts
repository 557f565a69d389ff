import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SluiceError } from '../../src/base/errors.ts';
import { WIRE_BACKOFF_MAX_MS, WIRE_BACKOFF_MIN_MS, WIRE_WINDOW_BYTES } from '../../src/base/limits.ts';
import { RECORD } from '../../src/runtime/envelope.ts';
import { addressText, parseAddress, parseMember } from '../../src/wire/address.ts';
import { backoffMs } from '../../src/wire/backoff.ts';
import { CLASS, CLASSES, classOf, kindIn } from '../../src/wire/classes.ts';
import { Credit, Debt } from '../../src/wire/credit.ts';
import { FRAME_HEADER_BYTES } from '../../src/wire/frame.ts';
import { isProof, prove } from '../../src/wire/proof.ts';

const test = suite('wire parts');

test('a kind says its class; everything but raw bytes is control', () => {
  for (const cls of CLASSES) {
    for (const number of [0, 1, 16_383]) assert.is(classOf(RECORD.bytes, kindIn(cls, number)), cls);
  }
  assert.is(classOf(RECORD.bytes, 7), CLASS.data);
  for (const type of [RECORD.message, RECORD.ask, RECORD.reply, RECORD.watch, RECORD.terminated])
    assert.is(classOf(type, 0xffff), CLASS.control);
  assert.is(new Set(CLASSES.map((cls) => kindIn(cls, 5))).size, 4);
});

test('a proof is of one role, one secret, and of these words alone', () => {
  const words = [Buffer.from('ab'), Buffer.from('c')];
  const proof = prove('secret', 'dialler', words);
  assert.is(isProof(proof, prove('secret', 'dialler', words)), true);
  for (const other of [
    prove('secret', 'acceptor', words),
    prove('secrets', 'dialler', words),
    prove('secret', 'dialler', [Buffer.from('a'), Buffer.from('bc')]),
    prove('', 'dialler', words),
    proof.subarray(1),
  ]) {
    assert.is(isProof(proof, other), false);
  }
});

test('addresses are read as they are written', () => {
  assert.equal(parseMember('3@127.0.0.1:7600'), { node: 3, host: '127.0.0.1', port: 7600 });
  assert.equal(parseAddress('[::1]:1'), { host: '::1', port: 1 });
  assert.equal(parseAddress('node-2.example:65535'), { host: 'node-2.example', port: 65_535 });
  for (const text of ['', ':1', 'a', 'a:', 'a:0', 'a:65536', 'a b:1', '[::1:1', '::1:1', '[x]:1'])
    assert.is(parseAddress(text), undefined, text);
  for (const text of ['a:1', '@a:1', 'x@a:1', '1.5@a:1']) assert.is(parseMember(text), undefined, text);
  for (const address of [
    { host: '::1', port: 5 },
    { host: 'a', port: 6 },
  ])
    assert.equal(parseAddress(addressText(address)), address);
});

test('attempts are further and further apart, up to a bound, and never all at once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, chance) => {
      const whole = Math.min(WIRE_BACKOFF_MIN_MS * 2 ** (failures - 1), WIRE_BACKOFF_MAX_MS);
      const ms = backoffMs(failures, chance);
      assert.ok(ms >= whole / 2 && ms <= whole);
    }),
  );
});

test('a sender that keeps to its credit is never refused, and never stuck once all is handed on', () => {
  const size = fc.integer({ min: 1, max: 2 * Math.max(...WIRE_WINDOW_BYTES) });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...CLASSES), size), { minLength: 1, maxLength: 60 }),
      fc.array(fc.boolean()),
      (frames, handed) => {
        const credit = new Credit(WIRE_WINDOW_BYTES);
        const debt = new Debt();
        const waiting: [number, number][] = [];
        const settle = (): void => {
          for (const [cls, bytes] of waiting.splice(0)) debt.clear(cls, bytes);
          const frame = debt.settle();
          if (frame !== undefined) credit.restore(frame, FRAME_HEADER_BYTES);
        };
        for (const [i, [cls, bytes]] of frames.entries()) {
          if (!credit.has(cls)) settle();
          assert.ok(credit.has(cls));
          credit.spend(cls, bytes);
          debt.incur(cls, bytes);
          waiting.push([cls, bytes]);
          if (handed[i] === true) settle();
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('one that does not is; so is a receiver that gives back more than it got', () => {
  const isCreditError = (error: SluiceError): boolean => error.code === 'SLUICE_WIRE_CREDIT';
  const debt = new Debt();
  debt.incur(CLASS.data, WIRE_WINDOW_BYTES[CLASS.data]!);
  debt.incur(CLASS.control, 1);
  assert.throws(() => debt.incur(CLASS.data, 1), isCreditError);
  const credit = new Credit(WIRE_WINDOW_BYTES);
  const body = Buffer.alloc(16);
  body.writeUInt32LE(1, 8);
  assert.throws(() => credit.restore(body, 0), isCreditError);
});

test.run();
