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

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `7d`, `12h`, `30m`, `90s`, `250ms` or `0`, in milliseconds. */
export function duration(text: string): number {
  const [, digits, unit = ''] = /^(\d+)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const scale = unit === '' && digits === '0' ? 1 : DURATION_UNITS[unit];
  if (digits === undefined || scale === undefined) throw new InvalidArgumentError('it has to be like 7d, 12h, 30m, 90s or 0.');
  return Number(digits) * scale;
}

/** `10g`, `500m`, `64k` or a number of bytes. */
export function byteSize(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([bkmgt]?)$/i.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError('it has to be like 10g, 500m, 64k or 1000.');
  return Number(digits) * SIZE_UNITS[unit.toLowerCase()]!;
}
