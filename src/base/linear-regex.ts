/**
 * Regular expressions in time that is linear in the text, whatever the pattern: for patterns and texts that come from users, where a backtracking engine can
 * be made to run for years. A program of a few instructions is run for all alternatives at once (Pike's machine), so a step per character and instruction is
 * the most that a match costs, and the leftmost match with the usual preferences is found, as RegExp finds it (but for repetitions of what may be empty,
 * where engines differ in what they prefer).
 *
 *   syntax: literals, `.`, `[a-z]`, `[^/]`, `\d \w \s \D \W \S`, `\` before a sign, `( )`, `(?: )`, `|`, `* + ?` and `{n,m}` with `?` behind, `^`, `$`
 *   not: back references, look-around, named groups, `\b`: those make a match depend on more than the next character
 *
 * Bounds: REGEX_PATTERN_CHARS_MAX, REGEX_PROGRAM_MAX, REGEX_TEXT_CHARS_MAX. A longer text does not match.
 */
import { assert } from './assert.ts';
import { REGEX_PATTERN_CHARS_MAX, REGEX_PROGRAM_MAX, REGEX_REPEATS_MAX, REGEX_TEXT_CHARS_MAX } from './limits.ts';

/** Inclusive code points, two by two. */
interface CharSet {
  readonly ranges: readonly number[];
  readonly negated: boolean;
}

type Node =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'group'; readonly index: number; readonly inner: Node }
  | { readonly kind: 'repeat'; readonly inner: Node; readonly min: number; readonly max: number; readonly greedy: boolean };

type Instruction =
  | { readonly op: 'set'; readonly set: CharSet }
  | { readonly op: 'start' | 'end' | 'match' }
  | { readonly op: 'save'; readonly slot: number }
  | { op: 'jump'; to: number }
  /** Both, `first` with preference. */
  | { op: 'split'; first: number; second: number };

const DIGIT = [0x30, 0x39];
const WORD = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
const SPACE = [
  0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000,
  0x3000, 0xfeff, 0xfeff,
];
const NEWLINES = [0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029];
const ESCAPED: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b };
const UNBOUNDED = Number.POSITIVE_INFINITY;
const CODE_POINT_MAX = 0x10ffff;

/** Why a pattern is refused. */
export class RegexError extends Error {}

class Parser {
  readonly #pattern: readonly string[];
  #at = 0;
  groups = 0;

  constructor(pattern: string) {
    this.#pattern = [...pattern];
  }

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#pattern.length) throw new RegexError('a ) without its (');
    return node;
  }

  get #next(): string | undefined {
    return this.#pattern[this.#at];
  }

  #take(sign: string): boolean {
    if (this.#next !== sign) return false;
    this.#at++;
    return true;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') parts.push(this.#repeated());
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts };
  }

  #repeated(): Node {
    const inner = this.#atom();
    const bounds = this.#bounds();
    if (bounds === undefined) return inner;
    if (inner.kind === 'start' || inner.kind === 'end') throw new RegexError('^ or $ cannot be repeated');
    const greedy = !this.#take('?');
    if (this.#bounds() !== undefined) throw new RegexError('a repetition of a repetition needs ( )');
    return { kind: 'repeat', inner, ...bounds, greedy };
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: UNBOUNDED };
    if (this.#take('+')) return { min: 1, max: UNBOUNDED };
    if (this.#take('?')) return { min: 0, max: 1 };
    const counted = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#pattern.slice(this.#at, this.#at + 12).join(''));
    if (counted === null) {
      if (this.#next === '{') throw new RegexError('a { that is no repetition needs a \\ before it');
      return undefined;
    }
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const max = counted[2] === undefined ? min : counted[3] === '' ? UNBOUNDED : Number(counted[3]);
    if (min > max) throw new RegexError('a repetition of at least more than at most');
    if (Math.max(min, max === UNBOUNDED ? 0 : max) > REGEX_REPEATS_MAX)
      throw new RegexError(`more than ${REGEX_REPEATS_MAX} repetitions`);
    return { min, max };
  }

  #atom(): Node {
    const sign = this.#pattern[this.#at++]!;
    switch (sign) {
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '.':
        return { kind: 'set', set: { ranges: NEWLINES, negated: true } };
      case '[':
        return { kind: 'set', set: this.#set() };
      case '(':
        return this.#group();
      case '\\':
        return { kind: 'set', set: this.#escape(false) };
      case '*':
      case '+':
      case '?':
      case '{':
        throw new RegexError(`${sign} repeats nothing`);
      case ']':
      case '}':
        throw new RegexError(`a ${sign} by itself needs a \\ before it`);
      default:
        return { kind: 'set', set: single(sign.codePointAt(0)!) };
    }
  }

  #group(): Node {
    let index = 0;
    if (this.#take('?')) {
      if (!this.#take(':')) throw new RegexError('look-around and named groups are not for texts of others');
    } else index = ++this.groups;
    const inner = this.#choice();
    if (!this.#take(')')) throw new RegexError('a ( without its )');
    return index === 0 ? inner : { kind: 'group', index, inner };
  }

  #escape(inSet: boolean): CharSet {
    const sign = this.#pattern[this.#at++];
    if (sign === undefined) throw new RegexError('a \\ at the end');
    const known = ESCAPED[sign];
    if (known !== undefined) return single(known);
    switch (sign) {
      case 'd':
      case 'D':
        return { ranges: DIGIT, negated: sign === 'D' };
      case 'w':
      case 'W':
        return { ranges: WORD, negated: sign === 'W' };
      case 's':
      case 'S':
        return { ranges: SPACE, negated: sign === 'S' };
    }
    if (/[\p{L}\p{N}]/u.test(sign)) throw new RegexError(`\\${sign} is not known${inSet ? ' in [ ]' : ''}`);
    return single(sign.codePointAt(0)!);
  }

  #set(): CharSet {
    const negated = this.#take('^');
    const ranges: number[] = [];
    while (!this.#take(']')) {
      const from = this.#member();
      if (from.negated) throw new RegexError('\\D, \\W and \\S are not known in [ ]');
      const isRange = this.#next === '-' && this.#pattern[this.#at + 1] !== ']';
      if (!isRange) {
        ranges.push(...from.ranges);
        continue;
      }
      this.#at++;
      const to = this.#member();
      const [low, high] = [from.ranges[0]!, to.ranges[0]!];
      if (from.ranges.length !== 2 || to.ranges.length !== 2 || from.ranges[1] !== low || to.ranges[1] !== high || low > high)
        throw new RegexError('a range in [ ] goes from a character to a later one');
      ranges.push(low, high);
    }
    return { ranges, negated };
  }

  #member(): CharSet {
    const sign = this.#pattern[this.#at++];
    if (sign === undefined) throw new RegexError('a [ without its ]');
    return sign === '\\' ? this.#escape(true) : single(sign.codePointAt(0)!);
  }
}

function single(codePoint: number): CharSet {
  return { ranges: [codePoint, codePoint], negated: false };
}

class Compiler {
  readonly program: Instruction[] = [];

  #add<T extends Instruction>(instruction: T): T {
    if (this.program.length >= REGEX_PROGRAM_MAX)
      throw new RegexError('the pattern is too large with its repetitions written out');
    this.program.push(instruction);
    return instruction;
  }

  compile(node: Node): void {
    switch (node.kind) {
      case 'start':
      case 'end':
        this.#add({ op: node.kind });
        return;
      case 'set':
        this.#add({ op: 'set', set: node.set });
        return;
      case 'sequence':
        for (const part of node.parts) this.compile(part);
        return;
      case 'choice':
        return this.#choice(node.parts);
      case 'group':
        this.#add({ op: 'save', slot: 2 * node.index });
        this.compile(node.inner);
        this.#add({ op: 'save', slot: 2 * node.index + 1 });
        return;
      case 'repeat':
        return this.#repeat(node.inner, node.min, node.max, node.greedy);
    }
  }

  match(): void {
    this.#add({ op: 'match' });
  }

  #choice(parts: readonly Node[]): void {
    const ends: { to: number }[] = [];
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1;
      const split = isLast ? undefined : this.#add<Instruction & { op: 'split' }>({ op: 'split', first: 0, second: 0 });
      if (split !== undefined) split.first = this.program.length;
      this.compile(part);
      if (!isLast) ends.push(this.#add<Instruction & { op: 'jump' }>({ op: 'jump', to: 0 }));
      if (split !== undefined) split.second = this.program.length;
    }
    for (const end of ends) end.to = this.program.length;
  }

  #repeat(inner: Node, min: number, max: number, greedy: boolean): void {
    for (let i = 0; i < min; i++) this.compile(inner);
    if (max === UNBOUNDED) return this.#loop(inner, greedy);
    const splits: (Instruction & { op: 'split' })[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#split(greedy));
      this.compile(inner);
    }
    for (const split of splits) this.#leave(split, greedy);
  }

  #loop(inner: Node, greedy: boolean): void {
    const start = this.program.length;
    const split = this.#split(greedy);
    this.compile(inner);
    this.#add({ op: 'jump', to: start });
    this.#leave(split, greedy);
  }

  #split(greedy: boolean): Instruction & { op: 'split' } {
    const split = this.#add<Instruction & { op: 'split' }>({ op: 'split', first: 0, second: 0 });
    if (greedy) split.first = this.program.length;
    else split.second = this.program.length;
    return split;
  }

  #leave(split: { first: number; second: number }, greedy: boolean): void {
    if (greedy) split.second = this.program.length;
    else split.first = this.program.length;
  }
}

function contains({ ranges, negated }: CharSet, codePoint: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (codePoint >= ranges[i]! && codePoint <= ranges[i + 1]!) return !negated;
  return negated;
}

/** Ways that are open before one character, in order of preference; a place in the program is in it once. */
interface Threads {
  readonly places: number[];
  readonly slots: (readonly number[])[];
  readonly seen: Uint32Array;
  generation: number;
}

export class LinearRegex {
  readonly source: string;
  readonly groups: number;
  readonly #program: readonly Instruction[];
  readonly #slotCount: number;
  #now: Threads;
  #next: Threads;

  /** Throws RegexError, which says why, for a pattern outside of the syntax or the bounds. */
  constructor(source: string) {
    if (source.length > REGEX_PATTERN_CHARS_MAX)
      throw new RegexError(`the pattern has more than ${REGEX_PATTERN_CHARS_MAX} characters`);
    const parser = new Parser(source);
    const node = parser.parse();
    const compiler = new Compiler();
    compiler.compile({ kind: 'group', index: 0, inner: node });
    compiler.match();
    this.source = source;
    this.groups = parser.groups;
    this.#program = compiler.program;
    this.#slotCount = 2 * (parser.groups + 1);
    this.#now = newThreads(compiler.program.length);
    this.#next = newThreads(compiler.program.length);
  }

  /** The whole match and its groups, undefined where a group took no part; null when nothing matches. */
  exec(text: string): readonly (string | undefined)[] | null {
    if (text.length > REGEX_TEXT_CHARS_MAX) return null;
    const found = this.#run(text);
    if (found === null) return null;
    return Array.from({ length: this.groups + 1 }, (_, i) => {
      const [start, end] = [found[2 * i]!, found[2 * i + 1]!];
      return start < 0 || end < 0 ? undefined : text.slice(start, end);
    });
  }

  test(text: string): boolean {
    return this.exec(text) !== null;
  }

  #run(text: string): readonly number[] | null {
    let best: readonly number[] | null = null;
    const none: readonly number[] = new Array<number>(this.#slotCount).fill(-1);
    clear(this.#now);
    for (let at = 0; ; ) {
      if (best === null) this.#follow(this.#now, 0, none, at, text);
      if (best !== null && this.#now.places.length === 0) return best;
      const codePoint = at < text.length ? text.codePointAt(at)! : -1;
      const after = at + (codePoint > 0xffff ? 2 : 1);
      clear(this.#next);
      for (let i = 0; i < this.#now.places.length; i++) {
        const instruction = this.#program[this.#now.places[i]!]!;
        if (instruction.op === 'match') {
          best = this.#now.slots[i]!;
          break; // what follows is less preferred
        }
        assert(instruction.op === 'set', 'a thread waits at a character or has matched');
        if (codePoint >= 0 && codePoint <= CODE_POINT_MAX && contains(instruction.set, codePoint))
          this.#follow(this.#next, this.#now.places[i]! + 1, this.#now.slots[i]!, after, text);
      }
      [this.#now, this.#next] = [this.#next, this.#now];
      if (at >= text.length) return best;
      at = after;
    }
  }

  /** Adds `place` and all that can be reached from it without a character. Its depth is bounded by the program's length. */
  #follow(threads: Threads, place: number, slots: readonly number[], at: number, text: string): void {
    if (threads.seen[place] === threads.generation) return;
    threads.seen[place] = threads.generation;
    const instruction = this.#program[place]!;
    switch (instruction.op) {
      case 'jump':
        return this.#follow(threads, instruction.to, slots, at, text);
      case 'split':
        this.#follow(threads, instruction.first, slots, at, text);
        return this.#follow(threads, instruction.second, slots, at, text);
      case 'start':
        if (at === 0) this.#follow(threads, place + 1, slots, at, text);
        return;
      case 'end':
        if (at === text.length) this.#follow(threads, place + 1, slots, at, text);
        return;
      case 'save': {
        const changed = slots.slice();
        changed[instruction.slot] = at;
        return this.#follow(threads, place + 1, changed, at, text);
      }
      default:
        threads.places.push(place);
        threads.slots.push(slots);
    }
  }
}

function newThreads(size: number): Threads {
  return { places: [], slots: [], seen: new Uint32Array(size), generation: 0 };
}

function clear(threads: Threads): void {
  threads.places.length = 0;
  threads.slots.length = 0;
  threads.generation++;
}
