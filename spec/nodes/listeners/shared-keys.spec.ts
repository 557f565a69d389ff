import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSharedKeys } from '../../../src/nodes/listeners/shared-keys.ts';

const test = suite('shared keys');

test('a line each, with a key of whole bytes', () => {
  assert.equal(parseSharedKeys('# devices\n\nd1:00ff\r\nurn:dev:2:ABCD\n'), [
    ['d1', '00ff'],
    ['urn:dev:2', 'ABCD'],
  ]);
  assert.equal(parseSharedKeys(''), []);
});

test('what is wrong is told by its line, and nothing of a key', () => {
  const table: [text: string, message: RegExp][] = [
    ['d1:00\nd2', /^line 2 is not `identity:key`$/],
    [':00', /^line 1 is not/],
    [`${'x'.repeat(129)}:00`, /^line 1 is not/],
    ['d1:0', /^line 1 has no key of whole bytes/],
    ['d1:', /^line 1 has no key/],
    ['d1:secret', /^line 1 has no key of whole bytes in hexadecimal, at most 256$/],
    [`d1:${'00'.repeat(257)}`, /^line 1 has no key/],
    ['d1:00\n\nd1:01', /^line 3 has an identity for the second time/],
  ];
  for (const [text, message] of table) assert.match(String(parseSharedKeys(text)), message);
});

test('any text gets an answer', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseSharedKeys(text)));
});

test.run();
