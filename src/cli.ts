/** Entry of the `sluice` command. */
import { EXIT } from './nodes/cli/exit-codes.ts';
import { runCli } from './nodes/cli/program.ts';

// Whoever reads the output has had enough of it, as `head` has: no reason to complain.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? EXIT.ok : EXIT.failed));
process.exitCode = await runCli(process.argv.slice(2));
