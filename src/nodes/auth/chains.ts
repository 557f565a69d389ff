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

/** Links by chain, each link made once. */
export function makeChains(
  plan: ReadonlyMap<string, readonly LinkName[]>,
  make: (name: LinkName) => AuthLink,
): { readonly chains: ReadonlyMap<string, readonly AuthLink[]>; readonly links: readonly AuthLink[] } {
  const links = new Map<LinkName, AuthLink>();
  const linkNamed = (name: LinkName): AuthLink => {
    const link = links.get(name) ?? make(name);
    links.set(name, link);
    return link;
  };
  const chains = new Map([...plan].map(([name, names]) => [name, names.map(linkNamed)] as const));
  return { chains, links: [...links.values()] };
}
