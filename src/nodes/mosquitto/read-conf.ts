/** A mosquitto.conf in its parts: what holds for all, the default listener, the listeners, the bridges. Values are of their type and within their bounds. */
import { nearestWord } from '../config/nearest.ts';
import { type ConfLine, confError, readConf } from './conf-lines.ts';
import { CONF_OPTIONS, type ConfOption, PLUGIN_OPTION } from './options.ts';

export interface Given<T = string | number | boolean> {
  readonly value: T;
  /** `FILE:LINE`. */
  readonly where: string;
}

/** Options by name, in the order in which they stand. */
export class Section {
  readonly #given = new Map<string, Given[]>();

  add(name: string, given: Given, option: ConfOption): void {
    const before = this.#given.get(name);
    if (before === undefined) this.#given.set(name, [given]);
    else if (option.many === true) before.push(given);
    else if (option.kind === 'text') throw confError(given.where, `${name} is there twice; the first is ${before[0]!.where}`);
    else this.#given.set(name, [given]);
  }

  get isEmpty(): boolean {
    return this.#given.size === 0;
  }

  names(): Iterable<string> {
    return this.#given.keys();
  }

  all(name: string): readonly Given[] {
    return this.#given.get(name) ?? [];
  }

  /** The type is that of the option. */
  get<T extends string | number | boolean>(name: string): Given<T> | undefined {
    return this.#given.get(name)?.[0] as Given<T> | undefined;
  }

  text(name: string): string {
    return this.get<string>(name)?.value ?? '';
  }

  number(name: string, otherwise: number): number {
    return this.get<number>(name)?.value ?? otherwise;
  }

  isOn(name: string, otherwise = false): boolean {
    return this.get<boolean>(name)?.value ?? otherwise;
  }
}

export interface ConfListener {
  readonly where: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Address, or path of a Unix socket; '' for every address. */
  readonly at: string;
  readonly options: Section;
  readonly security: Section;
}

export interface ConfBridge {
  readonly name: string;
  /** Of its `connection` line. */
  readonly where: string;
  readonly options: Section;
}

export interface MosquittoConf {
  readonly node: Section;
  /** Of all listeners, without per_listener_settings. */
  readonly security: Section;
  /** None: mosquitto listens on loopback then, and lets everybody in. */
  readonly listeners: readonly ConfListener[];
  readonly isPerListener: boolean;
  readonly bridges: readonly ConfBridge[];
  /** Options that belong to plugins. */
  readonly pluginOptions: readonly Given<string>[];
}

const PORT_DEFAULT = 1883;

export function readMosquittoConf(file: string): MosquittoConf {
  return new Reader().read(readConf(file));
}

class Reader {
  readonly #node = new Section();
  readonly #security = new Section();
  readonly #defaults = { options: new Section(), security: new Section() };
  readonly #declared: ConfListener[] = [];
  readonly #bridges: ConfBridge[] = [];
  readonly #pluginOptions: Given<string>[] = [];
  /** Where options of a listener go. */
  #listener: { readonly options: Section; readonly security: Section } = this.#defaults;
  #isPerListener = false;

  read(lines: readonly ConfLine[]): MosquittoConf {
    for (const line of lines) this.#take(line);
    return {
      node: this.#node,
      security: this.#security,
      listeners: [...this.#defaultListener(), ...this.#declared],
      isPerListener: this.#isPerListener,
      bridges: this.#bridges,
      pluginOptions: this.#pluginOptions,
    };
  }

  #take(line: ConfLine): void {
    const { name, where, rest } = line;
    if (name === 'listener') return this.#beginListener(line);
    if (name === 'connection') return this.#beginBridge(line);
    if (PLUGIN_OPTION.test(name)) return void this.#pluginOptions.push({ value: name, where });
    const option = CONF_OPTIONS.get(name);
    if (option === undefined) {
      const nearest = nearestWord(name, [...CONF_OPTIONS.keys(), 'listener', 'connection', 'include_dir']);
      throw confError(where, `${JSON.stringify(name.slice(0, 80))} is no option of mosquitto; the nearest is ${nearest}`);
    }
    const given = { value: parseValue(name, option, rest, where), where };
    switch (option.scope) {
      case 'node':
        this.#node.add(name, given, option);
        if (name === 'per_listener_settings') this.#setPerListener(given as Given<boolean>);
        break;
      case 'listener':
        this.#listener.options.add(name, given, option);
        break;
      case 'security':
        (this.#isPerListener ? this.#listener.security : this.#security).add(name, given, option);
        break;
      case 'bridge':
        this.#bridgeOf(name, where).options.add(name, given, option);
        break;
    }
  }

  #setPerListener({ value, where }: Given<boolean>): void {
    if (value && !this.#security.isEmpty) throw confError(where, 'per_listener_settings has to stand before what it is about');
    this.#isPerListener = value;
  }

  #beginListener({ where, rest }: ConfLine): void {
    const [, digits = '', at = ''] = /^(\d{1,5})(?:\s+(.+))?$/.exec(rest) ?? [];
    const port = Number(digits);
    if (digits === '' || port > 65_535) throw confError(where, 'listener needs a port, and an address if it is to be one alone');
    if (port === 0 && at === '') throw confError(where, 'listener 0 is a Unix socket and needs its path');
    const listener = { where, port, at, options: new Section(), security: new Section() };
    this.#declared.push(listener);
    this.#listener = listener;
  }

  #beginBridge({ where, rest }: ConfLine): void {
    if (rest === '') throw confError(where, 'connection needs a name');
    this.#bridges.push({ name: rest, where, options: new Section() });
  }

  #bridgeOf(name: string, where: string): ConfBridge {
    const bridge = this.#bridges.at(-1);
    if (bridge === undefined) throw confError(where, `${name} belongs to a bridge, and there is no connection above it`);
    return bridge;
  }

  /** There is one when anything is said about it. */
  #defaultListener(): ConfListener[] {
    const { options, security } = this.#defaults;
    if (options.isEmpty && security.isEmpty) return [];
    const [first] = [...options.names()];
    const named = options.get('port') ?? options.get(first ?? '');
    const where = named?.where ?? security.get([...security.names()][0] ?? '')?.where ?? '';
    const at = options.text('bind_address');
    return [{ where, port: options.number('port', PORT_DEFAULT), at, options, security }];
  }
}

function parseValue(name: string, option: ConfOption, rest: string, where: string): string | number | boolean {
  if (rest === '') throw confError(where, `${name} has no value`);
  switch (option.kind) {
    case 'bool':
      if (/^(true|1)$/i.test(rest)) return true;
      if (/^(false|0)$/i.test(rest)) return false;
      throw confError(where, `${name} is true or false`);
    case 'int': {
      const { min = 0, max = 0 } = option;
      const value = /^[+-]?\d{1,16}$/.test(rest) ? Number(rest) : Number.NaN;
      if (value >= min && value <= max) return value;
      throw confError(where, `${name} is an integer from ${min} to ${max}`);
    }
    case 'word':
      if (option.words!.includes(rest)) return rest;
      throw confError(where, `${name} is one of ${option.words!.join(', ')}`);
    case 'span':
      return secondsOf(name, rest, where);
    case 'text':
      return rest;
  }
}

const SPAN_SECONDS: Readonly<Record<string, number>> = { h: 3600, d: 86_400, w: 604_800, m: 2_592_000, y: 31_536_000 };

function secondsOf(name: string, rest: string, where: string): number {
  const [, digits, unit = ''] = /^(\d{1,6})([hdwmy])$/.exec(rest) ?? [];
  if (digits === undefined || Number(digits) === 0) throw confError(where, `${name} is a number with h, d, w, m or y behind it`);
  return Number(digits) * SPAN_SECONDS[unit]!;
}
