/** PROXY headers of version 2, good and bad. */
export interface ProxyV2 {
  readonly version?: number;
  readonly command?: number;
  readonly family: number;
  readonly body: Uint8Array;
}

export function proxyV2({ version = 2, command = 1, family, body }: ProxyV2): Buffer {
  const fixed = Buffer.alloc(16);
  fixed.write('\r\n\r\n\0\r\nQUIT\n', 'latin1');
  fixed[12] = (version << 4) | command;
  fixed[13] = family;
  fixed.writeUInt16BE(body.length, 14);
  return Buffer.concat([fixed, body]);
}
