/**
 * What a client did wrong, with the 5.0 reason code that the standard demands for it. It ends that connection and nothing else:
 * a 5.0 client is told by DISCONNECT (CONNACK before the connection stands), an older one sees the connection close.
 */
export class MqttError extends Error {
  override readonly name = 'MqttError';
  /** 5.0 reason code, 0x80 or above. */
  readonly reason: number;
  /**
   * Protocol level byte of the CONNECT that failed, as received and perhaps unsupported; 0 when it could not be read or the
   * packet was not a CONNECT. It decides the form of the CONNACK that refuses.
   */
  level = 0;

  constructor(reason: number, message: string) {
    super(message);
    this.reason = reason;
  }
}
