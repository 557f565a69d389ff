/** Entry of the `sluice` command. */
import { runCli } from './nodes/cli/program.ts';

process.exitCode = await runCli(process.argv.slice(2));
