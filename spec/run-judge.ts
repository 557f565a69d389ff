/** Reads what one spec file printed and decides, mistrustfully, what that is worth. */

export interface SpecResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skipReason: string;
  readonly output: string;
  /** Tests are missing, and nobody has said why: a hook has failed. */
  readonly isSilent: boolean;
}

/** A file that cannot run here prints this line and its reason, and runs nothing: `skipped: mosquitto is not installed`. */
const SKIP_LINE = /^skipped: (.+)$/m;

export function judge(file: string, output: string, exitCode: number | null, timedOut: boolean): SpecResult {
  const count = (label: string): number => Number(output.match(new RegExp(`^  ${label}:\\s+(\\d+)`, 'm'))?.[1] ?? 0);
  const total = count('Total');
  const passed = count('Passed');
  const skipped = count('Skipped');
  const skipReason = SKIP_LINE.exec(output)?.[1] ?? '';
  const failure = (why: string): SpecResult => ({
    passed,
    failed: Math.max(1, total - passed - skipped),
    skipped,
    skipReason,
    output: `${output}\n${file}: ${why}`,
    isSilent: exitCode === 0 && total > passed + skipped,
  });
  if (timedOut) return failure('did not end in time');
  if (exitCode !== 0) return failure(`exit code ${exitCode}`);
  if (total === 0 && skipReason !== '') return { passed: 0, failed: 0, skipped: 1, skipReason, output, isSilent: false };
  if (total === 0) return failure('ran nothing');
  if (skipped > 0) return failure('skips tests without saying why');
  if (passed !== total) return failure('not all passed');
  return { passed, failed: 0, skipped: 0, skipReason, output, isSilent: false };
}
