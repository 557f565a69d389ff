import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpBackEnd } from '../../../src/nodes/backends/http.ts';
import type { TemplateValues } from '../../../src/nodes/backends/template.ts';
import { defaultConfig } from '../../../src/nodes/config/load.ts';
import type { Config } from '../../../src/nodes/config/schema.ts';
import { describeFailure } from '../../../src/nodes/security/failure-log.ts';

const test = suite('web service as a back end');

type Settings = Config['backend']['http'];
const VALUES: TemplateValues = { clientid: 'c"1', username: 'anna', password: 'hunter2', peerhost: '10.0.0.1' };

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A service that does with each request what the spec says. */
class Service {
  readonly seen: Seen[] = [];
  connections = 0;
  answer: (response: ServerResponse) => void = (response) => response.writeHead(204).end();
  readonly #server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk;
    });
    request.on('end', () => {
      this.seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      this.answer(response);
    });
  });
  url = '';

  async start(): Promise<this> {
    this.#server.on('connection', () => this.connections++);
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  says(status: number, body: unknown): void {
    this.answer = (response) => response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function backEnd(service: { readonly url: string }, some: Partial<Settings> = {}, timeoutMs = 2000): HttpBackEnd {
  const urls = { auth_url: `${service.url}/auth/\${username}`, acl_url: `${service.url}/acl` };
  return new HttpBackEnd({ ...defaultConfig().backend.http, ...urls, ...some }, timeoutMs);
}
const authenticate = (of: HttpBackEnd): ReturnType<HttpBackEnd['authenticate']> =>
  of.authenticate(VALUES, new AbortController().signal);
/** How it failed, as the log would say. */
const failure = (of: Promise<unknown>): Promise<string> => of.then(() => 'it did not fail', describeFailure);

test('the request is what the templates say', async () => {
  const service = await new Service().start();
  const post = backEnd(service, { headers: ['Content-Type: application/json', 'X-Token: t0ken'] });
  await authenticate(post);
  const [seen] = service.seen;
  assert.is(seen!.method, 'POST');
  assert.is(seen!.url, '/auth/anna');
  assert.is(seen!.headers['x-token'], 't0ken');
  assert.equal(JSON.parse(seen!.body), { clientid: 'c"1', username: 'anna', password: 'hunter2', peerhost: '10.0.0.1' });
  const form = { headers: ['Content-Type: application/x-www-form-urlencoded'], auth_body: 'c=${clientid}&u=${username}' };
  const urlencoded = backEnd(service, form);
  await authenticate(urlencoded);
  assert.is(service.seen[1]!.body, 'c=c%221&u=anna');
  const get = backEnd(service, { method: 'get', auth_url: `${service.url}/?c=\${clientid}` });
  await authenticate(get);
  assert.equal([service.seen[2]!.method, service.seen[2]!.url, service.seen[2]!.body], ['GET', '/?c=c%221', '']);
  for (const each of [post, urlencoded, get]) await each.close();
  service.stop();
});

test('what it may answer', async () => {
  const service = await new Service().start();
  const http = backEnd(service);
  const rules = [{ permission: 'allow', action: 'all', topics: ['a'] }];
  const table: [status: number, body: unknown, expected: unknown][] = [
    [204, '', { result: 'allow', grant: { superuser: false } }],
    [200, { result: 'deny', is_superuser: true }, { result: 'deny', grant: {} }],
    [200, { result: 'ignore' }, { result: 'ignore', grant: {} }],
    [401, 'whatever', { result: 'deny', grant: {} }],
    [403, '', { result: 'deny', grant: {} }],
    [200, { result: 'allow' }, { result: 'allow', grant: { superuser: false } }],
    [
      200,
      { result: 'allow', is_superuser: true, username: 'otto', groups: ['g'], acl: rules, expire_at: 100 },
      { result: 'allow', grant: { superuser: true, username: 'otto', groups: ['g'], rules, expiresAt: 100_000 } },
    ],
  ];
  for (const [status, body, expected] of table) {
    service.says(status, body);
    assert.equal(await authenticate(http), expected, JSON.stringify(body));
  }
  service.says(200, { result: 'ignore' });
  assert.is(await http.permit({ ...VALUES, action: 'publish', topic: 'a/b', qos: '1', retain: 'false' }), 'ignore');
  assert.equal(JSON.parse(service.seen.at(-1)!.body), {
    clientid: 'c"1',
    username: 'anna',
    peerhost: '10.0.0.1',
    action: 'publish',
    topic: 'a/b',
    qos: '1',
    retain: 'false',
  });
  await http.close();
  service.stop();
});

test('garbage is no answer, and nothing of it is repeated', async () => {
  const service = await new Service().start();
  const http = backEnd(service);
  const table: [status: number, body: unknown, failure: string][] = [
    [200, '', 'its answer is not JSON'],
    [200, '{"result":"allow"', 'its answer is not JSON'],
    [200, 'hunter2', 'its answer is not JSON'],
    [200, '[]', 'its answer is not an object'],
    [200, 'null', 'its answer is not an object'],
    [200, {}, 'its answer has no result'],
    [200, { result: true }, 'its answer has no result'],
    [200, { result: 'ALLOW' }, 'its answer has no result'],
    [200, { result: 'allow', groups: 'all' }, 'its groups are not a list of names'],
    [200, { result: 'allow', acl: [{ permission: 'allow' }] }, 'its rules are not rules'],
    [200, `"${'x'.repeat(70_000)}"`, 'its answer is longer than 65536 bytes'],
    [500, { result: 'allow' }, 'it answered with status 500'],
    [302, '', 'it answered with status 302'],
    [404, '', 'it answered with status 404'],
  ];
  for (const [status, body, expected] of table) {
    service.says(status, body);
    assert.is(await failure(authenticate(http)), expected);
  }
  service.says(204, '');
  assert.is((await authenticate(http)).result, 'allow', 'and it goes on after all of that');
  await http.close();
  service.stop();
});

test('a service that hangs, also half-way, is given up after its time', async () => {
  const service = await new Service().start();
  const http = backEnd(service, {}, 50);
  service.answer = () => {};
  assert.not.match(await failure(authenticate(http)), /did not fail/);
  service.answer = (response) => {
    response.writeHead(200, { 'Content-Length': '1000' });
    response.write('{"result":');
  };
  assert.not.match(await failure(authenticate(http)), /did not fail/);
  const early = new AbortController();
  const slow = backEnd(service, {}, 60_000);
  const aborted = failure(slow.authenticate(VALUES, early.signal));
  early.abort();
  assert.not.match(await aborted, /did not fail/);
  await http.close();
  await slow.close();
  service.stop();
});

test('a service that dies, before, during and instead of its answer', async () => {
  let behave: (socket: Socket) => void = (socket) => socket.destroy();
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => behave(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = backEnd({ url });
  const deaths: ((socket: Socket) => void)[] = [
    (socket) => socket.destroy(),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result":"allow"'),
    (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{"result":"allow"'),
    (socket) => socket.end('this is not HTTP hunter2\r\n\r\n'),
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n'),
  ];
  for (const [i, death] of deaths.entries()) {
    behave = death;
    const how = await failure(authenticate(http));
    assert.not.match(how, /did not fail|hunter2/, String(i));
  }
  await new Promise<void>((resolve) => server.close(() => resolve()));
  assert.is(await failure(authenticate(http)), 'ECONNREFUSED');
  await http.close();
});

test('no more connections than allowed, however many ask', async () => {
  const service = await new Service().start();
  const http = backEnd(service, { connections_max: 3 });
  const held: ServerResponse[] = [];
  service.answer = (response) => {
    held.push(response);
    setImmediate(() => held.shift()?.writeHead(204).end());
  };
  const answers = await Promise.all(Array.from({ length: 60 }, () => authenticate(http)));
  assert.ok(answers.every(({ result }) => result === 'allow'));
  assert.is(service.connections, 3);
  await http.close();
  service.stop();
});

test.run();
