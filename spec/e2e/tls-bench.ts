// Brokers and clients that speak TLS, with certificates of the run.
import * as tls from 'node:tls';
import { encodeConnect } from '../../src/wire/mqtt/client-encoder.ts';
import { Broker } from './broker.ts';
import { Authority, type Issued } from './certificates.ts';
import { RawClient } from './raw-client.ts';
import { within } from './until.ts';

export class TlsBench {
  readonly authority: Authority = new Authority();
  readonly server: Issued = this.authority.issue('/CN=localhost', 'DNS:localhost,IP:127.0.0.1');
  readonly #brokers: Broker[] = [];

  /** A broker with a TLS listener. */
  async start(settings: Record<string, string | number | boolean> = {}, from: Issued = this.server): Promise<Broker> {
    const broker = await Broker.start({
      'mqtt.tls.port': 0,
      'mqtt.wss.port': -1,
      'mqtt.tls.cert_file': from.certFile,
      'mqtt.tls.key_file': from.keyFile,
      ...settings,
    });
    this.#brokers.push(broker);
    return broker;
  }

  /** Stops all brokers, which must be sound, and removes the certificates. */
  async close(): Promise<void> {
    try {
      for (const broker of this.#brokers) {
        await broker.assertSound();
        const end = await broker.stop();
        if (end !== 0) throw new Error(`a broker ended with ${end}: ${broker.node.stderr.join('\n')}`);
      }
    } finally {
      this.authority.remove();
    }
  }

  /** A TLS connection, or why there is none. With TLS 1.3 a server refuses a certificate only after the client thinks that all is well. */
  async secure(broker: Broker, options: tls.ConnectionOptions = {}, listener = 'tls'): Promise<tls.TLSSocket> {
    const socket = tls.connect({ port: broker.portOf(listener), host: '127.0.0.1', ca: this.authority.cert, ...options });
    await within(
      'the TLS handshake',
      new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('closed')));
      }),
    );
    return socket;
  }

  async connect(broker: Broker, clientId: string, options: tls.ConnectionOptions = {}, login: object = {}): Promise<RawClient> {
    const client = RawClient.over(await this.secure(broker, options));
    await client.connect({ clientId, ...login });
    return client;
  }

  /** Whether a client with these options does not get as far as a CONNACK. */
  async isRefused(broker: Broker, options: tls.ConnectionOptions): Promise<boolean> {
    try {
      const socket = await this.secure(broker, options);
      const closed = new Promise<boolean>((resolve) => {
        socket.on('error', () => resolve(true));
        socket.on('close', () => resolve(true));
        socket.on('data', () => resolve(false));
        socket.on('end', () => resolve(true));
      });
      socket.write(encodeConnect({ level: 5, clientId: 'nobody', cleanStart: true, keepAliveSeconds: 0 }));
      return await within('an answer', closed);
    } catch {
      return true;
    }
  }
}
