import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answerUpgrade, refusePlain, type UpgradeRequest } from '../../../src/wire/websocket/upgrade.ts';

const test = suite('upgrade');

const RULES = { path: '/mqtt', origins: [] };
const HEADERS = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'mqtt',
};

function request(headers: Record<string, string | undefined> = {}, some: Partial<UpgradeRequest> = {}): UpgradeRequest {
  return { method: 'GET', url: '/mqtt', headers: { ...HEADERS, ...headers }, ...some };
}

function status(asked: UpgradeRequest, rules: Parameters<typeof answerUpgrade>[1] = RULES): string {
  const { accepted, response } = answerUpgrade(asked, rules);
  assert.is(accepted, response.startsWith('HTTP/1.1 101 '));
  assert.ok(response.includes('\r\n\r\n'));
  return response.slice('HTTP/1.1 '.length, 'HTTP/1.1 101'.length);
}

test('a handshake for MQTT is answered with the key of RFC 6455’s example and the subprotocol [MQTT-6.0.0-4]', () => {
  const { response } = answerUpgrade(request(), RULES);
  assert.match(response, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  assert.match(response, /\r\nSec-WebSocket-Protocol: mqtt\r\n/);
});

test('of several subprotocols the first of MQTT is taken; without one there is no connection [MQTT-6.0.0-3]', () => {
  assert.match(
    answerUpgrade(request({ 'sec-websocket-protocol': 'chat, mqttv3.1 , mqtt' }), RULES).response,
    /Protocol: mqttv3\.1\r/,
  );
  for (const offered of [undefined, '', 'chat', 'mqtts', 'MQTT', 'mqtt2,amqp']) {
    assert.is(status(request({ 'sec-websocket-protocol': offered })), '400', offered);
  }
});

test('what is no such handshake gets its answer', () => {
  const table: [why: string, asked: UpgradeRequest, expected: string][] = [
    ['another path', request({}, { url: '/' }), '404'],
    ['a longer path', request({}, { url: '/mqtt/' }), '404'],
    ['a query is no part of the path', request({}, { url: '/mqtt?token=1' }), '101'],
    ['POST', request({}, { method: 'POST' }), '405'],
    ['an upgrade to something else', request({ upgrade: 'h2c' }), '426'],
    ['an old version', request({ 'sec-websocket-version': '8' }), '426'],
    ['no version', request({ 'sec-websocket-version': undefined }), '426'],
    ['no key', request({ 'sec-websocket-key': undefined }), '400'],
    ['a short key', request({ 'sec-websocket-key': 'abc' }), '400'],
    ['no URL at all', { headers: HEADERS }, '404'],
  ];
  for (const [why, asked, expected] of table) assert.is(status(asked), expected, why);
  assert.is(refusePlain().accepted, false);
});

test('a listener may serve every path', () => {
  const rules = { path: '*', origins: [] };
  for (const url of ['/', '/mqtt', '/a/b?c', '']) assert.is(status(request({}, { url }), rules), '101', url);
  assert.is(status(request({}, { url: '/*' })), '404');
});

test('pages of other origins are refused; who sends no origin is no page', () => {
  const rules = { path: '/mqtt', origins: ['https://app.example'] };
  assert.is(status(request({ origin: 'https://app.example' }), rules), '101');
  assert.is(status(request({ origin: 'https://evil.example' }), rules), '403');
  assert.is(status(request({ origin: 'null' }), rules), '403');
  assert.is(status(request(), rules), '101');
  assert.is(status(request({ origin: 'https://evil.example' })), '101');
});

test.run();
