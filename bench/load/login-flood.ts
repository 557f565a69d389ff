/**
 * The flood of `logins`, a process of its own so that its work does not delay the clock of the load that is measured beside it: so many connections a second, each says CONNECT, waits for its CONNACK and goes.
 * Told what to do over IPC, it starts at once; told to stop, it waits for those that are under way and answers with what became of them.
 */
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { connect as connectTls } from 'node:tls';
import { Histogram, type HistogramSnapshot } from '../../src/base/histogram.ts';
import type { Endpoint } from './connection.ts';
import { connectPacket, type Level, type Login } from './packets.ts';

export interface LoginFlood {
  readonly endpoint: Endpoint;
  readonly level: Level;
  readonly login?: Login;
  /** Each comes with a password of its own, and a wrong one: none can be recognised. */
  readonly isCold: boolean;
  readonly perSecond: number;
}

export interface LoginFigures {
  /** Connections begun, and what they were told. */
  readonly begun: number;
  readonly accepted: number;
  readonly refused: number;
  /** Closed without an answer, or not answered by the end. */
  readonly unanswered: number;
  /** From the intended time of connecting to CONNACK, µs. */
  readonly latency: HistogramSnapshot;
  readonly cpuMicros: number;
}

/** Connections under way at a time; a broker that lets more wait is given no more. */
const UNDER_WAY_MAX = 4000;
const TICK_MS = 1;
const LAST_ANSWERS_MS = 5000;

const now = (): number => performance.now();

class Flood {
  readonly #orders: LoginFlood;
  readonly #latency = new Histogram();
  #begun = 0;
  #accepted = 0;
  #refused = 0;
  #closed = 0;
  #timer: NodeJS.Timeout;

  constructor(orders: LoginFlood) {
    this.#orders = orders;
    const start = now();
    this.#timer = setInterval(() => this.#tick(start), TICK_MS);
  }

  async stop(): Promise<LoginFigures> {
    clearInterval(this.#timer);
    const until = now() + LAST_ANSWERS_MS;
    while (this.#answered + this.#closed < this.#begun && now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    const cpu = process.cpuUsage();
    return {
      begun: this.#begun,
      accepted: this.#accepted,
      refused: this.#refused,
      unanswered: this.#begun - this.#answered,
      latency: this.#latency.snapshot(),
      cpuMicros: cpu.user + cpu.system,
    };
  }

  get #answered(): number {
    return this.#accepted + this.#refused;
  }

  #tick(start: number): void {
    const { perSecond } = this.#orders;
    const due = Math.floor(((now() - start) * perSecond) / 1000);
    while (this.#begun < due && this.#begun - this.#answered - this.#closed < UNDER_WAY_MAX) {
      this.#connect(start + (this.#begun * 1000) / perSecond);
    }
  }

  #connect(intendedMs: number): void {
    const { endpoint, level, login, isCold } = this.#orders;
    const index = this.#begun++;
    const shown = login === undefined || !isCold ? login : { ...login, password: `wrong-${index}` };
    const { host, port, tls } = endpoint;
    const socket = tls === true ? connectTls({ host, port, rejectUnauthorized: false }) : connect({ host, port });
    let isAnswered = false;
    socket.write(connectPacket(`bench-login-${index}`, level, shown));
    socket.once('data', (bytes) => {
      isAnswered = true;
      if (bytes[0] === 0x20 && bytes[3] === 0) this.#accepted += 1;
      else this.#refused += 1;
      this.#latency.record((now() - intendedMs) * 1000);
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (!isAnswered) this.#closed += 1;
    });
  }
}

process.once('disconnect', () => process.exit(1));
process.once('message', (orders: LoginFlood) => {
  const flood = new Flood(orders);
  process.once('message', () => {
    void flood.stop().then((figures) => process.send?.(figures, undefined, undefined, () => process.exit(0)));
  });
});
process.send?.('ready');
