/** The links that ask for no password: `tls` for who has a certificate, `anonymous` for who gives no name, `deny` for nobody. */
import { ALLOW, type AuthLink, type Credentials, DENY, type Decision, IGNORE } from '../link.ts';

/** Lets in whoever has shown a certificate that the listener accepts; the user is its common name. */
export class TlsLink implements AuthLink {
  readonly name = 'tls';

  async authenticate({ connection }: Credentials): Promise<Decision> {
    const name = connection.tls?.certificate?.commonName;
    return name ? { verdict: 'allow', grant: { username: name } } : IGNORE;
  }
}

export class AnonymousLink implements AuthLink {
  readonly name = 'anonymous';

  async authenticate({ username }: Credentials): Promise<Decision> {
    return username === undefined ? ALLOW : IGNORE;
  }
}

/** Lets nobody in. */
export class DenyLink implements AuthLink {
  readonly name = 'deny';

  async authenticate(): Promise<Decision> {
    return DENY;
  }
}
