/** What clients do while a cluster is in trouble. */
export interface Workload {
  /** Answers so far: silence is when they do not grow. */
  readonly answered: number;
  /** The cluster serves. */
  start(): void | Promise<void>;
  /** Nothing is wrong any more: lets what is open come to its end, and tells what is not as it should be. */
  finish(): Promise<readonly string[]>;
  /** For people. */
  summary(): string;
}
