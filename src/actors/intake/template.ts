/** Topics with places in them: `%c` or `${clientid}` for the client id, `%u` or `${username}` for the user name, `$1` … `$9` for groups of a pattern. Pure. */

/** Whom a template is filled in for. */
export interface Who {
  readonly clientId: string;
  /** '' for none. */
  readonly username: string;
}

const PLACES = /%c|%u|\$\{clientid\}|\$\{username\}|\$[1-9]/g;
/** A client could widen what the operator has written by wildcards in its own name. */
const WILDCARD = /[+#]/;

export class TopicTemplate {
  readonly text: string;
  /** Text and places, in turn. */
  readonly #parts: readonly string[];
  readonly #places: readonly string[];
  /** Whether what comes out depends on the client. */
  readonly isPersonal: boolean;
  /** The highest group that it asks for. */
  readonly groups: number;

  constructor(text: string) {
    this.text = text;
    this.#parts = text.split(PLACES);
    this.#places = text.match(PLACES) ?? [];
    this.isPersonal = this.#places.some((place) => !isGroup(place));
    this.groups = Math.max(0, ...this.#places.filter(isGroup).map((place) => Number(place[1])));
  }

  /** Undefined when the client has no name to put in, or one that is not to stand in a topic. */
  fill(groups: readonly (string | undefined)[], who: Who | null): string | undefined {
    let text = this.#parts[0]!;
    for (const [i, place] of this.#places.entries()) {
      if (isGroup(place)) text += groups[Number(place[1])] ?? '';
      else {
        const name = place === '%c' || place === '${clientid}' ? who?.clientId : who?.username;
        if (name === undefined || name === '' || WILDCARD.test(name)) return undefined;
        text += name;
      }
      text += this.#parts[i + 1]!;
    }
    return text;
  }
}

function isGroup(place: string): boolean {
  return place.length === 2 && place[0] === '$';
}
