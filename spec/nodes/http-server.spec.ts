import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_CATALOGUE, type SluiceError } from '../../src/base/errors.ts';
import type { NodeFacts } from '../../src/nodes/health.ts';
import { type HttpListener, type HttpSources, startHttp } from '../../src/nodes/http-server.ts';
import { createLog } from '../../src/nodes/log.ts';

const ADDRESS = { host: '127.0.0.1', port: 0, key: 'http.port' };

/** What the log wrote. */
const logged: Record<string, unknown>[] = [];
const log = createLog({ level: 'info', node: 1, worker: 0 }, { write: (line) => logged.push(JSON.parse(line)) });

let facts: NodeFacts = { node: 1, phase: 'starting', uptimeSeconds: 1, reactors: ['up'], listeners: {} };
const sources: HttpSources = {
  facts: () => facts,
  metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', render: async () => 'sluice_x 1\n' },
  describeNode: () => ({ node: 1 }),
  describeConfig: () => '{"keys":{}}',
  topics: () => undefined,
  groups: () => undefined,
  meta: () => undefined,
  inspectActors: () => Promise.reject(new Error('the inspection failed')),
};

let http: HttpListener;
const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`http://${http.address}${path}`, init);

const test = suite('HTTP');
test.before(async () => {
  http = await startHttp(ADDRESS, sources, log);
});
test.after(() => http.close());

test('health follows the facts: 503 while starting and draining, 200 while running', async () => {
  for (const [phase, ready] of [
    ['starting', 503],
    ['running', 200],
    ['draining', 503],
  ] as const) {
    facts = { ...facts, phase };
    const live = await get('/health/live');
    assert.is(live.status, 200);
    assert.is(((await live.json()) as { status: string }).status, 'ok');
    for (const path of ['/health/ready', '/health/cluster']) {
      const response = await get(path);
      assert.is(response.status, ready, `${path} while ${phase}`);
      const body = (await response.json()) as { status: string; checks: { name: string; ok: boolean; detail: string }[] };
      assert.is(body.status, ready === 200 ? 'ok' : 'failing');
      for (const check of body.checks)
        assert.equal([typeof check.name, typeof check.ok, typeof check.detail], ['string', 'boolean', 'string']);
    }
  }
});

test('metrics come as Prometheus wants them', async () => {
  const response = await get('/metrics');
  assert.is(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', 'text/plain; version=0.0.4');
  assert.is(await response.text(), 'sluice_x 1\n');
});

test('node and configuration come as JSON', async () => {
  assert.equal(await (await get('/api/v1/node')).json(), { node: 1 });
  assert.equal(await (await get('/api/v1/config')).json(), { keys: {} });
});

test('what does not exist is a problem with a code, also for other methods', async () => {
  for (const [path, method] of [
    ['/nothing', 'GET'],
    ['/metrics', 'POST'],
    ['/api/v1/node/../../etc/passwd', 'GET'],
  ] as const) {
    const response = await get(path, { method });
    assert.is(response.status, 404);
    assert.match(response.headers.get('content-type') ?? '', 'application/problem+json');
    const problem = (await response.json()) as Record<string, unknown>;
    assert.is(problem.code, 'SLUICE_HTTP_NOT_FOUND');
    assert.is(problem.help, ERROR_CATALOGUE.SLUICE_HTTP_NOT_FOUND);
  }
});

test('a request that fails is a problem without details, and the log has them', async () => {
  const response = await get('/api/v1/actors');
  assert.is(response.status, 500);
  const text = await response.text();
  assert.match(text, 'SLUICE_HTTP_FAILED');
  assert.not.match(text, 'the inspection failed');
  assert.is(logged.at(-1)?.error, 'the inspection failed');
});

test('a port that is taken is an error with code and key', async () => {
  const port = Number(http.address.slice(http.address.lastIndexOf(':') + 1));
  try {
    await startHttp({ ...ADDRESS, port }, sources, log);
    assert.unreachable('the port was taken');
  } catch (error) {
    assert.is((error as SluiceError).code, 'SLUICE_LISTEN_ADDRESS_IN_USE');
    assert.match((error as SluiceError).message, `http.port: cannot listen on 127.0.0.1:${port}`);
  }
});

test.run();
