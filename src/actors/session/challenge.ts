/**
 * The AUTH packets of one client: those of CONNECT, and later those of a re-authentication. It keeps to one exchange at a time and one method for the life of the
 * connection [MQTT-4.12.1-1]; what follows from an exchange is its host's to decide.
 */
import { MqttError } from '../../wire/mqtt/mqtt-error.ts';
import type { AuthPacket } from '../../wire/mqtt/packets.ts';
import { Reason } from '../../wire/mqtt/reason-codes.ts';
import type { AuthExchange, AuthStep, EnhancedAuthenticator } from '../authenticator/enhanced.ts';

export interface ChallengeHost {
  /** The client is to be sent an AUTH packet with this. */
  challenged(data: Uint8Array): void;
  /** The client is `username`. */
  proven(username: string, data: Uint8Array | undefined): void;
  /** It is not who it says. */
  unproven(reason: number): void;
}

export class Challenge {
  readonly method: string;
  readonly #authenticator: EnhancedAuthenticator;
  readonly #host: ChallengeHost;
  #exchange: AuthExchange | null = null;
  /** Between what the client has sent and our answer. */
  #isBusy = false;
  /** Who the client has shown to be; '' until then. */
  #username = '';

  constructor(authenticator: EnhancedAuthenticator, host: ChallengeHost) {
    this.method = authenticator.method;
    this.#authenticator = authenticator;
    this.#host = host;
  }

  /** CONNECT, with its authentication data. */
  begin(data: Uint8Array | undefined): void {
    this.#exchange = this.#authenticator.start();
    this.#continue(data);
  }

  receive({ reason, authenticationMethod, authenticationData }: AuthPacket): void {
    if (authenticationMethod !== this.method) throw new MqttError(Reason.PROTOCOL_ERROR, 'AUTH by another method');
    if (this.#isBusy) throw new MqttError(Reason.PROTOCOL_ERROR, 'AUTH before the last one was answered');
    if (reason === Reason.REAUTHENTICATE) {
      if (this.#username === '') throw new MqttError(Reason.PROTOCOL_ERROR, 're-authentication before authentication');
      this.#exchange = this.#authenticator.start();
    } else if (this.#exchange === null) {
      throw new MqttError(Reason.PROTOCOL_ERROR, 'AUTH goes on with nothing');
    }
    this.#continue(authenticationData);
  }

  #continue(data: Uint8Array | undefined): void {
    this.#isBusy = true;
    this.#exchange!.continue(data, (step) => {
      this.#isBusy = false;
      this.#take(step);
    });
  }

  #take(step: AuthStep): void {
    if (step.kind === 'challenge') return this.#host.challenged(step.data);
    this.#exchange = null;
    if (step.kind === 'failure') return this.#host.unproven(step.reason);
    // A connection stays with its user.
    if (this.#username !== '' && this.#username !== step.username) return this.#host.unproven(Reason.NOT_AUTHORIZED);
    this.#username = step.username;
    this.#host.proven(step.username, step.data);
  }
}
