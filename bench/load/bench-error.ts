/** What stops a run. `unreachable`: nobody listens there; `protocol`: the peer said what this load does not expect; `target`: it did not start. */
export type BenchErrorKind = 'unreachable' | 'protocol' | 'target' | 'usage';

export class BenchError extends Error {
  override readonly name = 'BenchError';
  readonly kind: BenchErrorKind;

  constructor(kind: BenchErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
