/** What the templates of back ends may use of a client that wants to connect. */
import { addressOf } from '../../actors/access/address-list.ts';
import type { TemplateValues } from '../backends/template.ts';
import type { Credentials } from './link.ts';

export function templateValues({ clientId, username, password, connection }: Credentials): TemplateValues {
  return {
    clientid: clientId,
    username: username ?? '',
    password: password === undefined ? '' : Buffer.from(password).toString('utf8'),
    peerhost: addressOf(connection.remoteAddress),
    listener: connection.listener,
    cert_common_name: connection.tls?.certificate?.commonName ?? '',
    cert_subject: connection.tls?.certificate?.subject ?? '',
  };
}
