/** A broker under load. Ours are started fresh for every run, in their own process, and stopped after it. */
import type { Endpoint } from '../load/connection.ts';
import type { Protocol } from '../load/job.ts';
import type { Login } from '../load/packets.ts';

export interface Target {
  readonly name: string;
  /** What the figures should be filed under, e.g. "mosquitto 2.0.11". */
  readonly version: string;
  readonly endpoint: Endpoint;
  /** Process to charge CPU and memory to; absent for a broker elsewhere. */
  readonly pid?: number;
  /** MQTT when absent. */
  readonly protocol?: Protocol;
  /** host:port of a Sluice node's HTTP interface. */
  readonly http?: string;
  stop(): Promise<void>;
}

export interface TargetOptions {
  /** Reactor threads of a Sluice node; its own default when absent. */
  readonly reactors?: number;
  /** Extra `--set key=value` of a Sluice node. */
  readonly settings?: readonly string[];
  /** The one user that may connect, and has to say so. */
  readonly login?: Login;
  /** Listen on TLS. */
  readonly tls?: boolean;
  /** Process of a broker that is already running on this machine. */
  readonly pid?: number;
  /** Longest time to READY, milliseconds, when there is much to recover. */
  readonly startMsMax?: number;
  /** Extra Node flags of a Sluice node, e.g. --cpu-prof. */
  readonly nodeFlags?: readonly string[];
}
