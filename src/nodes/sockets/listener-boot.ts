/** What a reactor needs to accept from a listening socket. Plain data: it crosses into the thread with its boot arguments. */
export interface ListenerBoot {
  readonly kind: 'tcp';
  readonly host: string;
  /** Resolved: never 0. */
  readonly port: number;
  /** This reactor's own duplicate of the bound socket: `server.listen({ fd })`. Absent when `reusePort` is true. */
  readonly fd?: number;
  /** `server.listen({ host, port, reusePort: true })`. */
  readonly reusePort?: boolean;
}
