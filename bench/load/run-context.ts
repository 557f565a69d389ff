/** What a load may use of the process that runs it. */
export interface RunContext {
  /** A connection broke: ends the run with this error. */
  readonly fail: (error: Error) => void;
  readonly progress: (fraction: number, phase: string, perClient: readonly number[]) => void;
}
