/**
 * Asks a web service one question at a time per connection. Node's own client over a keep-alive agent, because the built-in `fetch` has no bound on its connections.
 *
 * Bounds: connections by the agent, questions by a turnstile, the answer by HTTP_ANSWER_BYTES_MAX, its time by the caller's.
 */
import { type Agent as HttpAgent, type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { HTTP_ANSWER_BYTES_MAX } from '../../base/limits.ts';
import { BackEndError } from '../security/failure-log.ts';
import { Turnstile } from './back-end.ts';

export interface HttpQuestion {
  readonly url: string;
  readonly method: 'POST' | 'GET';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export class HttpClient {
  readonly #plain: HttpAgent;
  readonly #tls: TlsAgent;
  readonly #timeoutMs: number;
  readonly #turnstile = new Turnstile();

  constructor(connectionsMax: number, timeoutMs: number) {
    const options = { keepAlive: true, maxSockets: connectionsMax, maxFreeSockets: connectionsMax };
    this.#plain = new PlainAgent(options);
    this.#tls = new TlsAgent(options);
    this.#timeoutMs = timeoutMs;
  }

  ask(question: HttpQuestion, signal?: AbortSignal): Promise<HttpAnswer> {
    const late = AbortSignal.timeout(this.#timeoutMs);
    const either = signal === undefined ? late : AbortSignal.any([signal, late]);
    return this.#turnstile.pass(() => this.#exchange(question, either));
  }

  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }

  #exchange({ url, method, headers, body }: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    const isTls = url.startsWith('https:');
    const content = method === 'POST' ? { 'Content-Length': String(Buffer.byteLength(body)) } : {};
    return new Promise((resolve, reject) => {
      const options = { method, headers: { ...headers, ...content }, signal };
      const request = isTls
        ? tlsRequest(url, { ...options, agent: this.#tls })
        : plainRequest(url, { ...options, agent: this.#plain });
      request.once('error', reject);
      request.once('response', (response) => readAnswer(response).then(resolve, reject));
      request.end(method === 'POST' ? body : undefined);
    });
  }
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > HTTP_ANSWER_BYTES_MAX) {
      response.destroy();
      throw new BackEndError(`its answer is longer than ${HTTP_ANSWER_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  if (!response.complete) throw new BackEndError('its answer ended half-way');
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}
