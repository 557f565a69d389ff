/**
 * The lines of a mosquitto.conf: a name, blanks, the rest. Lines that begin with `#` are comments; files of a folder that `include_dir` names stand in its
 * place, in the order of their bytes, and only the main file may name one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import { MOSQUITTO_CONF_BYTES_MAX, MOSQUITTO_CONF_FILES_MAX } from '../../base/limits.ts';

export interface ConfLine {
  /** `FILE:LINE`. */
  readonly where: string;
  readonly name: string;
  /** Without the blanks around it; '' when there is nothing. */
  readonly rest: string;
}

/** One line that says what is wrong, and where. */
export function confError(where: string, what: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_CONFIG_FILE', `${where}: ${what}`, { cause });
}

export function readConf(file: string): ConfLine[] {
  const lines: ConfLine[] = [];
  let files = 0;
  for (const line of linesOf(file)) {
    if (line.name !== 'include_dir') {
      lines.push(line);
      continue;
    }
    for (const name of confFilesIn(line)) {
      if (++files > MOSQUITTO_CONF_FILES_MAX)
        throw confError(line.where, `there are more than ${MOSQUITTO_CONF_FILES_MAX} files`);
      for (const included of linesOf(join(line.rest, name))) {
        if (included.name === 'include_dir') throw confError(included.where, 'include_dir is for the main file alone');
        lines.push(included);
      }
    }
  }
  return lines;
}

function confFilesIn({ where, rest }: ConfLine): string[] {
  try {
    return readdirSync(rest)
      .filter((name) => name.endsWith('.conf'))
      .sort(asMosquittoOrders);
  } catch (error) {
    throw confError(where, `include_dir ${JSON.stringify(rest)} cannot be read (${codeOf(error)})`, error);
  }
}

/** By letters, the upper case of each before its lower case. */
function asMosquittoOrders(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x === y ? order(a, b) : order(x, y);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function linesOf(file: string): ConfLine[] {
  const lines: ConfLine[] = [];
  for (const [i, raw] of textOf(file).split('\n').entries()) {
    if (raw.startsWith('#')) continue;
    const line = raw.trim();
    if (line === '') continue;
    const end = line.search(/\s/);
    const name = end < 0 ? line : line.slice(0, end);
    lines.push({ where: `${file}:${i + 1}`, name, rest: end < 0 ? '' : line.slice(end).trim() });
  }
  return lines;
}

function textOf(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > MOSQUITTO_CONF_BYTES_MAX) throw new Error('too large');
    return bytes.toString();
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_FILE', `${JSON.stringify(file)} cannot be read (${codeOf(error)})`, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
}
