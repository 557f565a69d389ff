/** The chains that the configuration asks for: the node's own and those that listeners name. */
import { SluiceError } from '../../base/errors.ts';
import type { Config } from '../config/schema.ts';
import type { AuthLink, LinkName } from './link.ts';

/** Name of the chain → names of its links; the node's own is ''. Chains without links let anybody in. */
export function chainPlan({ auth }: Config): ReadonlyMap<string, readonly LinkName[]> {
  const own: readonly LinkName[] = auth.chain.length === 0 && auth.users_file !== '' ? ['file'] : auth.chain;
  const plan = new Map<string, readonly LinkName[]>([['', own]]);
  for (const text of auth.chains) {
    const equals = text.indexOf('=');
    const name = text.slice(0, equals);
    if (plan.has(name)) {
      throw new SluiceError('SLUICE_CONFIG_BAD_VALUE', `auth.chains = ${JSON.stringify(text)}: the chain ${name} is there twice`);
    }
    plan.set(name, text.slice(equals + 1).split('+') as LinkName[]);
  }
  return plan;
}

/** Whether clients of the chain have to say who they are. */
export function asksForAuthentication(config: Config, chain = ''): boolean {
  return (
    (chainPlan(config)
      .get(chain)
      ?.some((link) => link !== 'anonymous') ?? false) === true
  );
}

/** Whether clients of 5.0 can authenticate by SCRAM-SHA-256 where this chain rules: as built-in users, with the node's own chain as users of the file too. */
export function offersScram(config: Config, chain = ''): boolean {
  if (chain === '' && config.auth.scram_file !== '') return true;
  return chainPlan(config).get(chain)?.includes('builtin') === true;
}

/** Whether any chain does. */
export function offersScramAnywhere(config: Config): boolean {
  return [...chainPlan(config).keys()].some((chain) => offersScram(config, chain));
}

/** Users file by chain: the node's own under '', and those of the chains that have one of theirs. */
export function usersFiles({ auth }: Config): ReadonlyMap<string, string> {
  return new Map([['', auth.users_file], ...auth.users_files.map(namedFile)]);
}

/** `name=file`; the schema has checked it. */
export function namedFile(text: string): [name: string, file: string] {
  const equals = text.indexOf('=');
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** Links by chain; chains share a link, unless it is `file` and they have files of their own. */
export function makeChains(
  plan: ReadonlyMap<string, readonly LinkName[]>,
  files: ReadonlyMap<string, string>,
  make: (name: LinkName, usersFile: string) => AuthLink,
): { readonly chains: ReadonlyMap<string, readonly AuthLink[]>; readonly links: readonly AuthLink[] } {
  const links = new Map<string, AuthLink>();
  const linkOf = (name: LinkName, chain: string): AuthLink => {
    const file = files.get(chain) ?? files.get('') ?? '';
    const key = name === 'file' ? `file ${file}` : name;
    const link = links.get(key) ?? make(name, file);
    links.set(key, link);
    return link;
  };
  const chains = new Map([...plan].map(([chain, names]) => [chain, names.map((name) => linkOf(name, chain))] as const));
  return { chains, links: [...links.values()] };
}
