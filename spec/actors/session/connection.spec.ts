import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AuthenticateRequest } from '../../../src/actors/authenticator/messages.ts';
import { authenticate } from '../../../src/actors/session/claim.ts';
import { type ConnectionInfo, connectionInfo, type TlsIdentity } from '../../../src/actors/session/connection.ts';
import type { SessionServices } from '../../../src/actors/session/services.ts';
import { NOBODY } from '../../../src/runtime/ref.ts';
import type { ConnectPacket } from '../../../src/wire/mqtt/packets.ts';
import { Reason } from '../../../src/wire/mqtt/reason-codes.ts';
import { FakeTransport } from './fake-transport.ts';

const test = suite('connection');

const PLANT = { name: 'plant', authChain: 'devices', mountpoint: 'plant/7/' };
const TLS: TlsIdentity = {
  protocol: 'TLSv1.3',
  serverName: 'a.example',
  certificate: null,
  username: '',
};

/** What the authenticator is asked, and what the session hears without an answer. */
function ask(connection: ConnectionInfo, connect: Partial<ConnectPacket>): { asked?: AuthenticateRequest; reason?: number } {
  const seen: { asked?: AuthenticateRequest; reason?: number } = {};
  const ctx = {
    ask: (_target: unknown, request: AuthenticateRequest): void => {
      seen.asked = request;
    },
  };
  const services = { authenticator: NOBODY } as unknown as SessionServices;
  authenticate(services, ctx as never, connect as ConnectPacket, connection, (reason) => {
    seen.reason = reason;
  });
  return seen;
}

test('says where a connection comes from and through which listener', () => {
  assert.equal(connectionInfo(PLANT, new FakeTransport()), {
    remoteAddress: '192.0.2.1:4711',
    listener: 'plant',
    authChain: 'devices',
    mountpoint: 'plant/7/',
  });
});

test('says what the TLS handshake has shown', () => {
  const transport = Object.assign(new FakeTransport(), { tls: TLS });
  assert.equal(connectionInfo(PLANT, transport).tls, TLS);
});

test('the authenticator gets it, with the client id', () => {
  const connection = connectionInfo(PLANT, new FakeTransport());
  const { asked, reason } = ask(connection, { username: 'anna', password: Uint8Array.of(1), clientId: 'c1' });
  assert.is(reason, undefined);
  assert.equal(asked, { type: 'authenticate', username: 'anna', password: Uint8Array.of(1), clientId: 'c1', connection });
});

test('a user name from a certificate needs no password', () => {
  const connection = { ...connectionInfo(PLANT, new FakeTransport()), tls: { ...TLS, username: 'device-7' } };
  assert.equal(ask(connection, {}), { reason: Reason.SUCCESS });
});

test('who has neither is for the authenticator to judge: a chain may let in whoever shows a certificate, or says nothing', () => {
  const connection = { ...connectionInfo(PLANT, new FakeTransport()), tls: TLS };
  assert.equal(ask(connection, { clientId: 'c1' }), { asked: { type: 'authenticate', clientId: 'c1', connection } });
});

test.run();
