/**
 * A user's error: something outside the code is wrong and the text says what to do about it. Every code is listed in
 * `ERROR_CATALOGUE`, from which docs/reference/errors.md is generated.
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Code → what happened and what to do. Codes are `SLUICE_<AREA>_<NAME>` and never change their meaning. */
export const ERROR_CATALOGUE = {
  SLUICE_CONFIG_UNKNOWN_KEY:
    'A configuration key does not exist. Use the nearest key that the message names, or see the configuration reference.',
  SLUICE_CONFIG_BAD_VALUE:
    'A configuration value is outside what its key allows. The message names the key, the value and what is allowed.',
  SLUICE_CONFIG_FILE: 'The configuration file cannot be read or is not valid TOML. The message names the file and the place.',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;
