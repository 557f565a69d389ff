/** Boot arguments of the store thread. Plain data. */
export interface StoreBoot {
  /** `node.data`. */
  readonly directory: string;
  readonly segmentBytes: number;
  readonly tailBytes: number;
  /** Of the memory engine. */
  readonly memoryBytes: number;
  readonly onCorruption: 'refuse' | 'serve';
}
