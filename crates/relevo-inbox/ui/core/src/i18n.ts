/**
 * Texts in the person's language. A catalogue is a flat object `key → ICU message`; of ICU it reads what chat pages
 * need: `{name}`, `{n, plural, =0 {…} one {…} other {# …}}`, `{who, select, bot {…} other {…}}`, `''` and `'{quoted}'`.
 */
export const LANGUAGES = ['es', 'pt', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];
export type Catalogue = Record<string, string>;
export type Values = Record<string, string | number>;
export type Translate<Key extends string = string> = (key: Key, values?: Values) => string;

/** The first of the wished languages that exists, `es` where none does. `pt-BR` and `pt_PT` both mean `pt`. */
export function chooseLanguage(wished: readonly (string | null | undefined)[]): Language {
  for (const tag of wished) {
    const base = tag?.toLowerCase().split(/[-_]/)[0];
    const known = LANGUAGES.find((language) => language === base);
    if (known) return known;
  }
  return 'es';
}

/** Reads `navigator.languages`. */
export const browserLanguage = (): Language =>
  chooseLanguage(typeof navigator === 'undefined' ? [] : (navigator.languages ?? [navigator.language]));

/** A key without a text gives the key itself: visible in a screenshot, harmless to a visitor. */
export function translator<Key extends string>(catalogue: Record<Key, string>, language: Language): Translate<Key> {
  const read = new Map<string, Part[]>();
  return (key, values = {}) => {
    const message: string | undefined = catalogue[key];
    if (message === undefined) return key;
    let parts = read.get(key);
    if (!parts) read.set(key, (parts = parseMessage(message)));
    return format(parts, values, language);
  };
}

export type Part =
  string | { name: string } | { name: string; by: 'plural' | 'select'; cases: Record<string, Part[]> } | { hash: true };

/** Reads one message; throws on a syntax it does not know, so that a catalogue test catches it. */
export function parseMessage(message: string): Part[] {
  let at = 0;
  const fail = (what: string): never => {
    throw new SyntaxError(`${what} at ${at} in "${message}"`);
  };
  const space = () => {
    while (/\s/.test(message[at] ?? '')) at += 1;
  };
  const word = () => {
    space();
    const hit = /^[=\w]+/.exec(message.slice(at))?.[0] ?? fail('a name is missing');
    at += hit.length;
    space();
    return hit;
  };
  const expect = (char: string) => (message[at] === char ? (at += 1) : fail(`"${char}" expected`));

  const argument = (): Part => {
    const name = word();
    if (message[at] === '}') {
      at += 1;
      return { name };
    }
    expect(',');
    const by = word();
    if (by !== 'plural' && by !== 'select') return fail(`"${by}" is not supported`);
    expect(',');
    const cases: Record<string, Part[]> = {};
    for (space(); message[at] !== '}'; space()) {
      const label = word();
      expect('{');
      cases[label] = parts(true, by === 'plural');
      expect('}');
    }
    at += 1;
    if (!cases.other) fail(`"${name}" has no "other"`);
    return { name, by, cases };
  };

  const parts = (nested: boolean, plural: boolean): Part[] => {
    const made: Part[] = [];
    let text = '';
    const flush = () => {
      if (text) made.push(text);
      text = '';
    };
    for (; at < message.length;) {
      const char = message[at]!;
      if (char === "'" && message[at + 1] === "'") {
        text += "'";
        at += 2;
      } else if (char === "'" && /[{}#]/.test(message[at + 1] ?? '')) {
        const end = message.indexOf("'", at + 1);
        text += message.slice(at + 1, end < 0 ? undefined : end);
        at = end < 0 ? message.length : end + 1;
      } else if (char === '{') {
        flush();
        at += 1;
        made.push(argument());
      } else if (char === '}') {
        if (!nested) fail('"}" without a partner');
        break;
      } else if (char === '#' && plural) {
        flush();
        made.push({ hash: true });
        at += 1;
      } else {
        text += char;
        at += 1;
      }
    }
    flush();
    return made;
  };
  return parts(false, false);
}

function format(parts: Part[], values: Values, language: Language, count?: number): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part;
      if ('hash' in part) return new Intl.NumberFormat(language).format(count ?? 0);
      const value = values[part.name];
      if (!('by' in part)) return value === undefined ? `{${part.name}}` : String(value);
      if (part.by === 'select') return format(part.cases[String(value)] ?? part.cases.other!, values, language, count);
      const n = Number(value);
      const chosen = part.cases[`=${n}`] ?? part.cases[new Intl.PluralRules(language).select(n)] ?? part.cases.other!;
      return format(chosen, values, language, n);
    })
    .join('');
}
