/** `sluice config`: the configuration of a node that runs. */
import { Command } from 'commander';
import type { ReloadReport } from '../reloader.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson } from './admin-client.ts';
import { printLine } from './admin-pages.ts';

async function reload(options: AdminOptions): Promise<void> {
  const report = (await adminRequest(options, 'POST', '/api/v1/config/reload')) as ReloadReport;
  if (options.json === true) return printJson(report);
  for (const key of report.applied) printLine(`applied ${key}`);
  for (const key of report.refused) printLine(`needs a restart: ${key}`);
  if (report.applied.length + report.refused.length === 0) printLine('nothing has changed');
}

export function configCommand(): Command {
  const config = new Command('config').description('Change the configuration of a node that runs');
  addAdminOptions(config.command('reload'))
    .description('read the configuration, and the files of users and rules, again')
    .action(reload);
  return config;
}
