/** The link `http`: a web service says. */
import type { HttpBackEnd } from '../../backends/http.ts';
import { templateValues } from '../credentials-template.ts';
import { type AuthLink, type Credentials, DENY, type Decision, IGNORE } from '../link.ts';

export class HttpLink implements AuthLink {
  readonly name = 'http';
  readonly #backEnd: HttpBackEnd;

  constructor(backEnd: HttpBackEnd) {
    this.#backEnd = backEnd;
  }

  async authenticate(credentials: Credentials, signal: () => AbortSignal): Promise<Decision> {
    const { result, grant } = await this.#backEnd.authenticate(templateValues(credentials), signal());
    if (result === 'allow') return { verdict: 'allow', grant };
    return result === 'deny' ? DENY : IGNORE;
  }
}
