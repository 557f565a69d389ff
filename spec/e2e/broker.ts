// A real node as a child process, and what specs ask it: metrics, actors, memory.
import { readFileSync } from 'node:fs';
import { NODE, NodeChild } from '../nodes/node-child.ts';
import { type ConnectSettings, RawClient } from './raw-client.ts';
import { until } from './until.ts';

interface ActorShape {
  readonly name: string;
  readonly detail?: { readonly clientId?: string; readonly address?: string; readonly state?: string };
  readonly children: readonly ActorShape[];
}

const running = new Set<NodeChild>();
process.on('exit', () => {
  for (const node of running) node.kill('SIGKILL');
});

export class Broker {
  readonly node: NodeChild;
  readonly port: number;
  readonly http: string;
  readonly pid: number;
  /** What is sent along with requests to the HTTP listener. */
  headers: Readonly<Record<string, string>> = {};
  /** Address of each listener by its name. */
  readonly listeners: Readonly<Record<string, string>>;
  #generated = 0;

  private constructor(node: NodeChild, listeners: Readonly<Record<string, string>>, http: string, pid: number) {
    this.node = node;
    this.listeners = listeners;
    this.port = listeners.tcp === undefined ? 0 : portOf(listeners.tcp);
    this.http = http;
    this.pid = pid;
  }

  /** `settings` by configuration key. */
  static async start(
    settings: Readonly<Record<string, string | number | boolean>> = {},
    environment: Readonly<Record<string, string>> = {},
    configFile?: string,
  ): Promise<Broker> {
    const all = {
      'mqtt.tcp.port': 0,
      'http.port': 0,
      'node.threads': 1,
      'log.level': 'warn',
      'mqtt.sys_interval_s': 0,
      ...settings,
    };
    const node = new NodeChild(
      [
        ...(configFile === undefined ? [] : ['--config', configFile]),
        ...Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
      ],
      environment,
      NODE,
    );
    running.add(node);
    const { http, mqtt, pid } = await node.ready();
    return new Broker(node, mqtt ?? {}, `http://${http}`, pid);
  }

  /** Drains the node and says how it ended. */
  async stop(): Promise<number | string> {
    this.node.kill('SIGTERM');
    const end = await this.node.ended;
    running.delete(this.node);
    return end;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  portOf(listener: string): number {
    return portOf(this.listeners[listener]!);
  }

  /** A TCP connection that has said nothing. */
  open(): Promise<RawClient> {
    return RawClient.open(this.port);
  }

  /** An accepted client; its id is made up when `settings` have none. */
  connect(settings: Partial<ConnectSettings> = {}): Promise<RawClient> {
    return RawClient.connect(this.port, { clientId: `client-${++this.#generated}`, ...settings });
  }

  /** The same on a reactor that the caller chooses: the kernel deals connections out, so it takes as many as it takes. */
  async connectOn(thread: number, settings: Partial<ConnectSettings> = {}): Promise<RawClient> {
    for (let attempt = 0; attempt < 50; attempt++) {
      const dealt = await Promise.all(Array.from({ length: 8 }, () => this.open()));
      const byAddress = new Map<string, number>();
      await until('the connections are accepted', async () => {
        for (const { thread: at, detail } of await this.sessions()) if (detail.address) byAddress.set(detail.address, at);
        return dealt.every((client) => byAddress.has(client.address));
      });
      const chosen = dealt.find((client) => byAddress.get(client.address) === thread);
      for (const client of dealt) if (client !== chosen) client.destroy();
      if (chosen === undefined) continue;
      await chosen.connect({ clientId: `client-${++this.#generated}`, ...settings });
      return chosen;
    }
    throw new Error(`the kernel gives reactor ${thread} no connection`);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.http}/metrics`, { headers: this.headers })).text();
  }

  /** Value of one series, as in `sluice_mqtt_messages_sent_total{qos="1"}`. */
  async metric(series: string): Promise<number> {
    const line = (await this.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
    if (line === undefined) throw new Error(`no series ${series}`);
    return Number(line.slice(series.length + 1));
  }

  /** Connections that the server closed for `reason`. */
  disconnects(reason: string): Promise<number> {
    return this.metric(`sluice_mqtt_disconnects_total{reason="${reason}"}`);
  }

  dropped(reason: string): Promise<number> {
    return this.metric(`sluice_mqtt_messages_dropped_total{reason="${reason}"}`);
  }

  async untilMetric(series: string, isDone: (value: number) => boolean): Promise<void> {
    let last = Number.NaN;
    await until(
      () => `${series} is as expected; it is ${last}`,
      async () => isDone((last = await this.metric(series))),
    );
  }

  /** Every session, with the reactor that it is on. */
  async sessions(): Promise<{ thread: number; detail: NonNullable<ActorShape['detail']> }[]> {
    const { threads } = (await (await fetch(`${this.http}/api/v1/actors`, { headers: this.headers })).json()) as {
      threads: { thread: number; root?: ActorShape }[];
    };
    const found: { thread: number; detail: NonNullable<ActorShape['detail']> }[] = [];
    const walk = (thread: number, actor: ActorShape): void => {
      if (actor.name === 'session') found.push({ thread, detail: actor.detail ?? {} });
      for (const child of actor.children) walk(thread, child);
    };
    for (const { thread, root } of threads) if (root !== undefined) walk(thread, root);
    return found;
  }

  async untilOffline(clientId: string): Promise<void> {
    await until(`${clientId} is offline`, async () =>
      (await this.sessions()).some(({ detail }) => detail.clientId === clientId && detail.state === 'offline'),
    );
  }

  async untilGone(clientId: string): Promise<void> {
    await until(
      `${clientId} has no session`,
      async () => !(await this.sessions()).some(({ detail }) => detail.clientId === clientId),
    );
  }

  /** Bytes. */
  residentBytes(): number {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    return Number(kilobytes![1]) * 1024;
  }

  /** Fails when something went wrong inside that no client had to notice. */
  async assertSound(): Promise<void> {
    const failures = await this.metric('sluice_listener_session_failures_total');
    if (failures !== 0) throw new Error(`${failures} sessions failed:\n${this.node.stderr.join('\n')}`);
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
