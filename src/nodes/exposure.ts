/** Which listeners the configuration asks for, and the rule that none of them opens the node to strangers by accident. */
import { SluiceError } from '../base/errors.ts';
import { formatAddress, isLoopback } from './address.ts';
import { asksForAuthentication } from './auth/chains.ts';
import type { Config } from './config/schema.ts';
import { listenerSpecs } from './listeners/specs.ts';
import type { ListenAddress } from './sockets/listening-socket.ts';
import { isWireOn } from './wire-boot.ts';

export function httpAddress(config: Config): ListenAddress | undefined {
  const { host, port } = config.http;
  return port < 0 ? undefined : { host, port, key: 'http.port' };
}

/** Undefined while there is nobody to connect to. */
export function wireAddress(config: Config): ListenAddress | undefined {
  const { host, port } = config.wire;
  return isWireOn(config) ? { host, port, key: 'wire.port' } : undefined;
}

function refuse(key: string, address: ListenAddress, remedy: string): SluiceError {
  return new SluiceError(
    'SLUICE_LISTEN_INSECURE',
    `${key} = ${JSON.stringify(address.host)}: ${formatAddress(address.host, address.port)} is not loopback and asks for no password; ${remedy}`,
  );
}

/** Throws when a listener is reachable from other machines without authentication and `auth.insecure` does not allow it. */
export function checkExposure(config: Config): void {
  if (config.auth.insecure) return;
  // How many reactors there are does not matter here.
  for (const { bind, tlsFiles, settings } of listenerSpecs(config, 1)) {
    if ('path' in bind || isLoopback(bind.host) || asksForAuthentication(config, settings.authChain)) continue;
    if (tlsFiles?.client_certificate === 'required' || (tlsFiles !== undefined && tlsFiles.psk_file !== '')) continue;
    const remedy =
      'set auth.users_file or auth.chain, demand client certificates, or set auth.insecure=true if everyone who reaches it is trusted';
    throw refuse(bind.key.replace(/port$/, 'host'), bind, remedy);
  }
  const http = httpAddress(config);
  if (http !== undefined && !isLoopback(http.host) && config.http.tokens_file === '' && config.http.users_file === '') {
    throw refuse(
      'http.host',
      http,
      'set http.tokens_file or http.users_file, or auth.insecure=true if everyone who reaches it is trusted',
    );
  }
  const wire = wireAddress(config);
  if (wire !== undefined && !isLoopback(wire.host) && config.wire.secret === '' && config.wire.tls.cert === '') {
    throw refuse('wire.host', wire, 'set wire.secret or wire.tls, or auth.insecure=true if everyone who reaches it is trusted');
  }
}
