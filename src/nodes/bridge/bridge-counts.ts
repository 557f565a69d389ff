/** What a bridge counts. */
export interface BridgeCounts {
  out: number;
  in: number;
  /** Had been here before. */
  looped: number;
  /** QoS 0 while the other side was away or too slow, and what either side has refused. */
  dropped: number;
  /** Connections that came to nothing, or ended. */
  failures: number;
}

export const NO_COUNTS: Readonly<BridgeCounts> = { out: 0, in: 0, looped: 0, dropped: 0, failures: 0 };
