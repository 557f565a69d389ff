import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../src/base/errors.ts';
import { WIRE_WINDOW_BYTES } from '../../src/base/limits.ts';
import { decodePreamble, FRAME, FRAME_HEADER_BYTES, PREAMBLE_BYTES, type ProtocolRange } from '../../src/wire/frame.ts';
import { Acceptor, type AcceptorResult, Dialler, type DiallerResult, type Identity } from '../../src/wire/handshake.ts';
import { MessageSchemas } from '../../src/wire/message-schemas.ts';

const test = suite('handshake');

const SECRET = 'a secret';
const OLD_NOTE = { type: 'record', name: 'Note', namespace: 'sluice.message', fields: [{ name: 'text', type: 'string' }] };
const NEW_NOTE = { ...OLD_NOTE, fields: [...OLD_NOTE.fields, { name: 'priority', type: 'int', default: 5 }] };

function identity(node: number, changes: Partial<Identity> = {}): Identity {
  return {
    cluster: 'blue',
    node,
    incarnation: 1000 + node,
    roles: ['meta'],
    address: `127.0.0.1:${7600 + node}`,
    secret: SECRET,
    schemas: new MessageSchemas(),
    randomBytes,
    ...changes,
  };
}

const INTRO = { target: 2, thread: 3, epoch: 7, lane: 0, gap: false };

interface Outcome {
  readonly dialler?: DiallerResult;
  readonly acceptor?: AcceptorResult;
  readonly code?: string;
  /** Every message that the dialler sent. */
  readonly recording: Buffer[];
}

function feed<R>(side: { onFrame(type: number, bytes: Uint8Array, start: number, end: number): R }, frame: Buffer): R {
  return side.onFrame(frame[4]!, frame, FRAME_HEADER_BYTES, frame.length);
}

/** The whole exchange, or the code of what ended it. */
function shakeHands(one: Identity, other: Identity, intro = INTRO): Outcome {
  const recording: Buffer[] = [];
  try {
    const dialler = new Dialler(one, intro);
    const acceptor = new Acceptor(other, () => {});
    const start = dialler.start();
    recording.push(start);
    dialler.onPreamble(decodePreamble(acceptor.onPreamble(decodePreamble(start, 0)), 0));
    const challenge = feed(acceptor, start.subarray(PREAMBLE_BYTES));
    const proof = feed(dialler, challenge.send);
    recording.push(proof.send);
    const welcome = feed(acceptor, proof.send);
    return { dialler: feed(dialler, welcome.send).done!, acceptor: welcome.done!, recording };
  } catch (error) {
    assert.instance(error, SluiceError, String(error));
    return { code: (error as SluiceError).code, recording };
  }
}

test('two nodes of one cluster agree, and each learns who the other is', () => {
  const { dialler, acceptor } = shakeHands(identity(1), identity(2));
  assert.equal(dialler, { version: 1, incarnation: 1002, roles: ['meta'], windows: WIRE_WINDOW_BYTES });
  const { nonce: _, schemas: __, ...hello } = acceptor!.hello;
  assert.equal(
    { ...hello },
    {
      ...INTRO,
      cluster: 'blue',
      node: 1,
      incarnation: 1001,
      roles: 'meta',
      address: '127.0.0.1:7601',
    },
  );
});

test('strangers are told apart: cluster, node, secret, each with its code', () => {
  const cases: readonly [string, Identity, Identity, Partial<typeof INTRO>][] = [
    ['SLUICE_WIRE_CLUSTER', identity(1, { cluster: 'green' }), identity(2), {}],
    ['SLUICE_WIRE_NODE', identity(1), identity(2), { target: 3 }],
    ['SLUICE_WIRE_NODE', identity(2), identity(2), {}],
    ['SLUICE_WIRE_NODE', identity(0), identity(2), {}],
    ['SLUICE_WIRE_AUTH', identity(1, { secret: 'wrong' }), identity(2), {}],
    ['SLUICE_WIRE_AUTH', identity(1, { secret: '' }), identity(2), {}],
    ['SLUICE_WIRE_AUTH', identity(1), identity(2, { secret: '' }), {}],
    ['SLUICE_WIRE_FRAME', identity(1), identity(2), { thread: 64 }],
  ];
  for (const [code, one, other, intro] of cases) assert.is(shakeHands(one, other, { ...INTRO, ...intro }).code, code);
});

test('the dialler believes nobody who does not know the secret', () => {
  const dialler = new Dialler(identity(1), INTRO);
  const impostor = new Acceptor(identity(2, { secret: 'guess' }), () => {});
  const start = dialler.start();
  dialler.onPreamble(decodePreamble(impostor.onPreamble(decodePreamble(start, 0)), 0));
  const challenge = feed(impostor, start.subarray(PREAMBLE_BYTES));
  assert.throws(
    () => feed(dialler, challenge.send),
    (error: SluiceError) => error.code === 'SLUICE_WIRE_AUTH',
  );
});

test('a recorded exchange is worth nothing the second time', () => {
  const { recording } = shakeHands(identity(1), identity(2));
  const acceptor = new Acceptor(identity(2), () => {});
  acceptor.onPreamble(decodePreamble(recording[0]!, 0));
  feed(acceptor, recording[0]!.subarray(PREAMBLE_BYTES));
  assert.throws(
    () => feed(acceptor, recording[1]!),
    (error: SluiceError) => error.code === 'SLUICE_WIRE_AUTH',
  );
});

test('nothing that was said can be changed on its way', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom('hello', 'proof'), (position, which) => {
      const dialler = new Dialler(identity(1), INTRO);
      const acceptor = new Acceptor(identity(2), () => {});
      const start = dialler.start();
      const flip = (bytes: Buffer): Buffer => {
        const copy = Buffer.from(bytes);
        const bit = position % ((copy.length - FRAME_HEADER_BYTES) * 8);
        copy[FRAME_HEADER_BYTES + (bit >> 3)]! ^= 1 << (bit & 7);
        return copy;
      };
      try {
        dialler.onPreamble(decodePreamble(acceptor.onPreamble(decodePreamble(start, 0)), 0));
        const hello = start.subarray(PREAMBLE_BYTES);
        const challenge = feed(acceptor, which === 'hello' ? flip(hello) : hello);
        const proof = feed(dialler, challenge.send);
        feed(acceptor, which === 'proof' ? flip(proof.send) : proof.send);
      } catch (error) {
        assert.instance(error, SluiceError, String(error));
        return;
      }
      assert.unreachable('a changed handshake was accepted');
    }),
    { numRuns: 150 },
  );
});

test('an older release is met at its version; one that is too old is refused on both sides', () => {
  const speaks = (min: number, max: number): { protocol: ProtocolRange } => ({ protocol: { min, max } });
  assert.is(shakeHands(identity(1, speaks(1, 2)), identity(2, speaks(2, 4))).dialler!.version, 2);
  assert.is(shakeHands(identity(1, speaks(2, 9)), identity(2, speaks(1, 3))).acceptor!.version, 3);
  assert.is(shakeHands(identity(1, speaks(1, 1)), identity(2, speaks(2, 3))).code, 'SLUICE_WIRE_VERSION');
  const acceptor = new Acceptor(identity(2, speaks(2, 3)), () => {});
  const start = new Dialler(identity(1, speaks(1, 1)), INTRO).start();
  assert.equal(decodePreamble(acceptor.onPreamble(decodePreamble(start, 0)), 0), { min: 2, max: 3 });
  assert.throws(
    () => feed(acceptor, start.subarray(PREAMBLE_BYTES)),
    (error: SluiceError) => error.code === 'SLUICE_WIRE_VERSION',
  );
});

test('schemas that the other side does not know are sent once and resolved', () => {
  const older = identity(1, { schemas: new MessageSchemas([OLD_NOTE]) });
  const newer = identity(2, { schemas: new MessageSchemas([NEW_NOTE]) });
  const { acceptor } = shakeHands(older, newer);
  const bytes = older.schemas.encode(1, { type: 'Note', text: 'hi' });
  assert.equal(acceptor!.reader.decode(1, bytes, 0, bytes.length), { type: 'Note', text: 'hi', priority: 5 });
});

test('a frame out of turn, or noise in one, is refused with a code', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(FRAME)), fc.uint8Array({ maxLength: 300 }), (type, noise) => {
      for (const side of [new Acceptor(identity(2), () => {}), new Dialler(identity(1), INTRO)]) {
        side.onPreamble({ min: 1, max: 1 });
        try {
          side.onFrame(type, noise, 0, noise.length);
          assert.unreachable('noise was taken for a handshake');
        } catch (error) {
          assert.match((error as SluiceError).code, /^SLUICE_WIRE_(KIND|SCHEMA|CLUSTER|NODE|FRAME|AUTH)$/);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test.run();
