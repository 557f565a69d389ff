/** `sluice bridge`: how the bridges of a node are. */
import { Command } from 'commander';
import type { BridgeView } from '../bridge/bridge.ts';
import type { BridgeList } from '../bridge/routes.ts';
import { type AdminOptions, addAdminOptions, adminRequest, printJson, printTable } from './admin-client.ts';

const BRIDGES = '/api/v1/bridges';

async function list(options: AdminOptions): Promise<void> {
  const answer = (await adminRequest(options, 'GET', BRIDGES)) as BridgeList;
  if (options.json === true) printJson(answer);
  else print(answer.bridges);
}

async function status(name: string, options: AdminOptions): Promise<void> {
  const view = (await adminRequest(options, 'GET', `${BRIDGES}/${encodeURIComponent(name)}`)) as BridgeView;
  if (options.json === true) printJson(view);
  else print([view]);
}

function print(bridges: readonly BridgeView[]): void {
  printTable<BridgeView>(bridges, [
    ['bridge', ({ name }) => name],
    ['to', ({ urls }) => urls.join(' ')],
    ['state', ({ isConnected }) => (isConnected ? 'connected' : 'away')],
    ['since', ({ since }) => new Date(since).toISOString()],
    ['out', (view) => view.out],
    ['in', (view) => view.in],
    ['looped', ({ looped }) => looped],
    ['dropped', ({ dropped }) => dropped],
    ['failures', ({ failures }) => failures],
    ['error', ({ error }) => error],
  ]);
}

export function bridgeCommand(): Command {
  const bridge = new Command('bridge').description('Look at the bridges of a node');
  addAdminOptions(bridge.command('list')).description('print the bridges and how they are').action(list);
  addAdminOptions(bridge.command('status <name>')).description('print how one bridge is').action(status);
  return bridge;
}
