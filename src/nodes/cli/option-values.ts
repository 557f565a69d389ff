/** Parsers for option values; each throws commander's own error, so the message names the option and the exit code is 2. */
import { InvalidArgumentError } from 'commander';

/** A whole number within [min, max]. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d[\d_,]*$/.test(text) ? Number(text.replace(/[_,]/g, '')) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max} is due`);
    return value;
  };
}

/** A number of seconds, fractions allowed, within [min, max]. */
export function seconds(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`seconds from ${min} to ${max} are due`);
    return value;
  };
}

export function qos(text: string): 0 | 1 | 2 {
  if (text === '0') return 0;
  if (text === '1') return 1;
  if (text === '2') return 2;
  throw new InvalidArgumentError('0, 1 or 2 is due');
}

/** MQTT version as mosquitto's clients name it → protocol level byte. */
export function protocolLevel(text: string): 3 | 4 | 5 {
  switch (text) {
    case '31':
    case '3.1':
    case 'mqttv31':
      return 3;
    case '4':
    case '311':
    case '3.1.1':
    case 'mqttv311':
      return 4;
    case '5':
    case '5.0':
    case 'mqttv5':
      return 5;
  }
  throw new InvalidArgumentError('31, 311 or 5 is due');
}

export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
