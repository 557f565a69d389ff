// A bridge between a session and a broker that are played by hand, for what happens in the moments between.
import { createServer, type Socket } from 'node:net';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Bridge } from '../../../src/nodes/bridge/bridge.ts';
import type { BridgeSpec } from '../../../src/nodes/bridge/bridge-spec.ts';
import { createLog } from '../../../src/nodes/log.ts';
import { until } from '../../e2e/until.ts';

const test = suite('bridge by hand');
const VERSION = { protocolVersion: 5 };

interface Heard {
  readonly messageId?: number;
  readonly payload?: Buffer;
}

/** One end of a connection, over whatever carries its bytes. */
class Player {
  readonly heard: Packet[] = [];
  readonly #send: (bytes: Uint8Array) => void;
  readonly #parser = mqttPacket.parser(VERSION);

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
    this.#parser.on('packet', (packet: Packet) => this.heard.push(packet));
  }
  take(bytes: Uint8Array): void {
    this.#parser.parse(Buffer.from(bytes));
  }
  say(packet: Packet): void {
    this.#send(Uint8Array.from(mqttPacket.generate(packet, VERSION)));
  }
  async hear(cmd: Packet['cmd']): Promise<Heard> {
    await until(`${cmd} has come`, () => this.heard.some((packet) => packet.cmd === cmd));
    const [packet] = this.heard.splice(
      this.heard.findIndex((each) => each.cmd === cmd),
      1,
    );
    return packet as Heard;
  }
}

function session(port: MessagePort): Player {
  const player = new Player((bytes) => port.postMessage(bytes));
  port.on('message', (message: Uint8Array | number | string) => {
    if (message instanceof Uint8Array) player.take(message);
  });
  return player;
}

test('messages that the session sends before the other side is there come again as soon as it is', async () => {
  const brokers: Player[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const broker = new Player((bytes) => socket.write(bytes));
    socket.on('data', (bytes) => broker.take(bytes)).on('error', () => {});
    sockets.push(socket);
    brokers.push(broker);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const spec: BridgeSpec = {
    name: 'b',
    urls: [`mqtt://127.0.0.1:${port}`],
    protocol: 5,
    clientId: 'me',
    cleanStart: false,
    username: undefined,
    password: undefined,
    keepAliveSeconds: 60,
    tls: { verify: true },
    reconnectMsMin: 10,
    reconnectMsMax: 50,
    notifies: false,
    topics: [{ direction: 'out', filter: '#', qos: 1, localPrefix: '', remotePrefix: '' }],
  };
  const sessions: Player[] = [];
  const ports: MessagePort[] = [];
  const bridge: Bridge = new Bridge(spec, {
    self: 'spec',
    log: createLog({ level: 'silent', node: 1, worker: 'spec' }),
    changed: () => {},
    dial: () => {
      const { port1, port2 } = new MessageChannel();
      sessions.push(session(port1));
      ports.push(port1);
      setImmediate(() => bridge.dialled(port2));
    },
  });
  const message = { cmd: 'publish', topic: 't', payload: Buffer.from('x'), qos: 1, messageId: 9, retain: false } as const;
  try {
    bridge.start();
    await until('both sides are called', () => sessions.length === 1 && brokers.length === 1);
    await sessions[0]!.hear('connect');
    sessions[0]!.say({ cmd: 'connack', sessionPresent: true, reasonCode: 0 });
    sessions[0]!.say({ ...message, dup: false });
    const { messageId } = await sessions[0]!.hear('subscribe');
    // Before the session has answered this, the other side is there.
    brokers[0]!.say({ cmd: 'connack', sessionPresent: false, reasonCode: 0 });
    await until('the other side is there', () => bridge.view().error === 'subscriptions are not in place yet');
    assert.not(bridge.view().isConnected, 'nothing would cross yet');
    sessions[0]!.say({ cmd: 'suback', messageId: messageId!, granted: [1] } as Packet);
    await until('the session is asked again', () => sessions.length === 2);
    await sessions[1]!.hear('connect');
    sessions[1]!.say({ cmd: 'connack', sessionPresent: true, reasonCode: 0 });
    sessions[1]!.say({ ...message, dup: true });
    const { messageId: second } = await sessions[1]!.hear('subscribe');
    sessions[1]!.say({ cmd: 'suback', messageId: second!, granted: [1] } as Packet);
    const crossed = await brokers[0]!.hear('publish');
    assert.is(String(crossed.payload), 'x');

    // The connection to the session is lost with the message under way: it comes again, and does not cross again.
    ports[1]!.close();
    await until('the session is asked once more', () => sessions.length === 3);
    await sessions[2]!.hear('connect');
    sessions[2]!.say({ cmd: 'connack', sessionPresent: true, reasonCode: 0 });
    sessions[2]!.say({ ...message, dup: true });
    const { messageId: third } = await sessions[2]!.hear('subscribe');
    sessions[2]!.say({ cmd: 'suback', messageId: third!, granted: [1] } as Packet);
    brokers[0]!.say({ cmd: 'puback', messageId: crossed.messageId!, reasonCode: 0 } as Packet);
    assert.is((await sessions[2]!.hear('puback')).messageId, 9);
    assert.not.ok(brokers[0]!.heard.some(({ cmd }) => cmd === 'publish'));
    assert.is(bridge.view().out, 1);
  } finally {
    await bridge.stop();
    for (const each of ports) each.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test.run();
