/**
 * A client of etcd as lean as it can be in this language: gRPC written by hand on HTTP/2, so that the figures are the server's. Messages are of etcdserverpb (rpc.proto):
 * PutRequest {1 key, 2 value}, RangeRequest {1 key}, TxnRequest {1 compare*, 2 success*}, Compare {1 result, 2 target, 3 key, 5 create_revision}, RequestOp {2 put}.
 */
import http2 from 'node:http2';
import type { Endpoint, MetaCaller, MetaJob } from './orders.ts';

const HEADERS = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' } as const;
/** Streams of one connection, below what etcd allows. */
const STREAMS_MAX = 200;

export class EtcdCaller implements MetaCaller {
  readonly #sessions: http2.ClientHttp2Session[];
  #turn = 0;

  constructor(endpoints: readonly Endpoint[], window: number) {
    const connections = Math.max(endpoints.length, Math.ceil(window / STREAMS_MAX));
    this.#sessions = Array.from({ length: connections }, (_, i) => {
      const { host, port } = endpoints[i % endpoints.length]!;
      const session = http2.connect(`http://${host}:${port}`);
      session.on('error', () => undefined);
      return session;
    });
  }

  call(job: MetaJob, number: number, done: (isOk: boolean) => void): void {
    const path = job.load === 'put' ? 'Put' : job.load === 'read' ? 'Range' : 'Txn';
    const session = this.#sessions[this.#turn++ % this.#sessions.length]!;
    const stream = session.request({ ...HEADERS, ':path': `/etcdserverpb.KV/${path}` });
    let status = '';
    stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'])));
    stream.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status']);
    });
    stream.on('data', () => undefined);
    stream.on('error', () => undefined);
    stream.on('close', () => done(status === '0'));
    stream.end(framed(messageOf(job, number)));
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
  }
}

function messageOf({ load, payloadBytes, keys, batch, calls }: MetaJob, number: number): Buffer {
  const key = Buffer.from(`k${String(number % keys).padStart(15, '0')}`);
  if (load === 'read') return field(1, key);
  const value = Buffer.alloc(payloadBytes, 120);
  if (load === 'put') return Buffer.concat([field(1, key), field(2, value)]);
  const parts: Buffer[] = [];
  for (let i = 0; i < batch; i++) {
    const session = Buffer.from(`s/client-${number * batch + i}`);
    // EQUAL, CREATE, and 0 for a key that is not there; zeros are not written but for the one of the oneof.
    if (calls > 0) parts.push(field(1, Buffer.concat([Buffer.from([0x10, 1]), field(3, session), Buffer.from([0x28, 0])])));
    parts.push(field(2, field(2, Buffer.concat([field(1, session), field(2, value)]))));
  }
  return Buffer.concat(parts);
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function framed(message: Buffer): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  return frame;
}
