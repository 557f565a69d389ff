/** IP addresses and CIDR blocks as rules and bans name them. */
import { BlockList, isIP } from 'node:net';

export interface AddressBlock {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Undefined when the text is neither an address nor `address/bits`. */
export function parseAddressBlock(text: string): AddressBlock | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0) return undefined;
  const bitsMax = version === 4 ? 32 : 128;
  const bitsText = slash < 0 ? String(bitsMax) : text.slice(slash + 1);
  const bits = /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : Number.NaN;
  return bits <= bitsMax ? { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' } : undefined;
}

export class AddressList {
  readonly #blocks = new BlockList();

  /** What is no address is passed over: whoever reads rules has checked them. */
  constructor(blocks: readonly string[]) {
    for (const text of blocks) {
      const block = parseAddressBlock(text);
      if (block !== undefined) this.#blocks.addSubnet(block.address, block.bits, block.family);
    }
  }

  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#blocks.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/** The address of `address:port`; an IPv4 address that a dual-stack socket has dressed up as IPv6 is IPv4 again. */
export function addressOf(remoteAddress: string): string {
  const host = remoteAddress.slice(0, remoteAddress.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host);
  return mapped === null ? host : mapped[1]!;
}
