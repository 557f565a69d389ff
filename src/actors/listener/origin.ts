/** What accepting a connection has brought to light and its transport has to know. */
import type { TlsIdentity } from '../session/connection.ts';

export interface Origin {
  /** `address:port` of the client as a proxy has told it; '' asks the kernel. */
  readonly address: string;
  readonly tls: TlsIdentity | undefined;
  /** Bytes of the client that were read along with what came before them. */
  readonly early: Uint8Array | null;
}

/** A connection that is nothing but what was accepted. */
export const NO_ORIGIN: Origin = { address: '', tls: undefined, early: null };
