/** `sluice listener`: what a node listens on. */
import { Command } from 'commander';
import type { ListenerDescription } from '../listeners/manager.ts';
import { type AdminOptions, addAdminOptions, adminRequest, type Columns, printJson, printTable } from './admin-client.ts';

interface StopOptions extends AdminOptions {
  readonly disconnect?: boolean;
}

const LISTENERS = '/api/v1/listeners';

const COLUMNS: Columns<ListenerDescription> = [
  ['name', ({ name }) => name],
  ['type', ({ type }) => type],
  ['address', ({ address }) => address],
  ['state', ({ state }) => state],
  ['connections', ({ connections }) => connections],
  ['accepted', ({ accepted }) => accepted],
  ['refused', ({ refused }) => refused],
  ['login', ({ auth }) => auth],
  ['mount point', ({ mountpoint }) => mountpoint],
];

function show(options: AdminOptions, answer: unknown): void {
  const { listeners } = answer as { readonly listeners: readonly ListenerDescription[] };
  if (options.json === true) printJson({ listeners });
  else printTable(listeners, COLUMNS);
}

async function list(options: AdminOptions): Promise<void> {
  show(options, await adminRequest(options, 'GET', LISTENERS));
}

async function start(name: string, options: AdminOptions): Promise<void> {
  show(options, await adminRequest(options, 'POST', `${LISTENERS}/${encodeURIComponent(name)}/start`, {}));
}

async function stop(name: string, options: StopOptions): Promise<void> {
  const body = { disconnect: options.disconnect === true };
  show(options, await adminRequest(options, 'POST', `${LISTENERS}/${encodeURIComponent(name)}/stop`, body));
}

async function renew(options: AdminOptions): Promise<void> {
  show(options, await adminRequest(options, 'POST', '/api/v1/certificates/renew', {}));
}

export function listenerCommand(): Command {
  const listener = new Command('listener').description('See, stop and start what a node listens on');
  const sub = (name: string, about: string): Command => addAdminOptions(listener.command(name)).description(about);
  sub('list', 'print the listeners, with their connections').action(list);
  sub('stop <name>', 'accept no more; those who are there stay')
    .option('--disconnect', 'and tell those who are there to leave (0x98)')
    .action(stop);
  sub('start <name>', 'accept again, on the same address').action(start);
  sub('renew', 'read the certificates and shared keys of all listeners again').action(renew);
  return listener;
}
