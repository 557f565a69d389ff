/** `sluice alarm`: what is wrong with a node, and what was. */
import { Command } from 'commander';
import type { Alarm, PastAlarm } from '../alarms/alarm-book.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson, printTable } from './admin-client.ts';
import { printLine } from './admin-pages.ts';

interface ListOptions extends AdminOptions {
  readonly history?: boolean;
}

const ALARMS = '/api/v1/alarms';

async function list(options: ListOptions): Promise<void> {
  const answer = (await adminRequest(options, 'GET', ALARMS)) as { active: Alarm[]; history: PastAlarm[] };
  if (options.json === true) return printJson(answer);
  const at = (time: number): string => new Date(time).toISOString();
  printTable<Alarm | PastAlarm>(options.history === true ? answer.history : answer.active, [
    ['alarm', ({ name }) => name],
    ['since', ({ activatedAt }) => at(activatedAt)],
    ['until', (alarm) => ('deactivatedAt' in alarm ? at(alarm.deactivatedAt) : '')],
    ['what', ({ message }) => message],
    ['details', ({ details }) => JSON.stringify(details)],
  ]);
}

async function raise(name: string, message: string, options: AdminOptions): Promise<void> {
  const answer = await adminRequest(options, 'POST', ALARMS, { name, message });
  if (options.json === true) printJson(answer);
  else printLine(`raised ${name}`);
}

async function lift(name: string, options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', `${ALARMS}/${encodeURIComponent(name)}`);
  if (options.json === true) printJson({ deactivated: name });
  else printLine(`lifted ${name}`);
}

async function clear(options: AdminOptions): Promise<void> {
  await adminRequest(options, 'DELETE', `${ALARMS}/history`);
  if (options.json === true) printJson({ cleared: true });
  else printLine('forgot the alarms that are over');
}

export function alarmCommand(): Command {
  const alarm = new Command('alarm').description('See what is wrong with a node');
  const sub = (name: string, about: string): Command => addAdminOptions(alarm.command(name)).description(about);
  sub('list', 'print the alarms').option('--history', 'those that are over').action(list);
  sub('raise <name> <message>', 'raise an alarm of your own').action(raise);
  sub('lift <name>', 'end an alarm; one whose cause goes on comes again').action(lift);
  sub('clear', 'forget the alarms that are over').action(clear);
  return alarm;
}
