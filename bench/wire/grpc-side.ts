/** The peer of the wire bench: unary calls of @grpc/grpc-js, with a service made in code and raw bytes as messages. */
import grpc from '@grpc/grpc-js';
import type { WireOptions, WireRun } from './orders.ts';

const identity = (bytes: Buffer): Buffer => bytes;
const ECHO = {
  echo: {
    path: '/bench.Wire/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
} as const;

interface Side {
  readonly port: number;
  run(messages: number, roundTrips: number): Promise<WireRun>;
  stop(): Promise<void>;
}

export function startGrpc(role: 'sender' | 'receiver', options: WireOptions, peerPort: number): Promise<Side> {
  return role === 'receiver' ? startServer() : Promise.resolve(makeClient(options, peerPort));
}

function startServer(): Promise<Side> {
  const server = new grpc.Server();
  server.addService(ECHO, {
    echo: (call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) => answer(null, call.request),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) reject(error);
      else
        resolve({
          port,
          run: () => Promise.reject(new Error('a server runs nothing')),
          stop: async () => server.forceShutdown(),
        });
    });
  });
}

function makeClient({ bytes, batch }: WireOptions, peerPort: number): Side {
  const client = new grpc.Client(`127.0.0.1:${peerPort}`, grpc.credentials.createInsecure());
  const payload = Buffer.alloc(bytes, 7);
  const call = (then: () => void): void => {
    client.makeUnaryRequest(ECHO.echo.path, identity, identity, payload, (error) => {
      if (error !== null) throw error;
      then();
    });
  };
  const single = async (): Promise<number> => {
    const start = performance.now();
    await new Promise<void>((resolve) => call(resolve));
    return (performance.now() - start) * 1000;
  };
  return {
    port: 0,
    run: async (messages, roundTrips) => {
      const roundTripsUs: number[] = [];
      for (let i = 0; i < roundTrips; i++) roundTripsUs.push(await single());
      const start = performance.now();
      await new Promise<void>((resolve) => {
        let left = messages;
        let underWay = 0;
        const more = (): void => {
          while (left > 0 && underWay < batch) {
            left--;
            underWay++;
            call(() => {
              underWay--;
              if (left > 0) more();
              else if (underWay === 0) resolve();
            });
          }
        };
        more();
      });
      return { messages, seconds: (performance.now() - start) / 1000, roundTripsUs };
    },
    stop: async () => client.close(),
  };
}
