/** Texts in the person's language, from messages that `./icu` has read. */
export const LANGUAGES = ['es', 'pt', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];
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

/** Words · `0`, the number that a plural counts (`#`) · a value · the message that a number chooses. */
export type Part = string | 0 | [name: string, cases?: Record<string, Message>];
/** What a text says, in the order in which it says it. Short, for the widget's sake. */
export type Message = string | Part[];

/** A key without a message gives the key itself: visible in a screenshot, harmless to a visitor. */
export const translator =
  <Key extends string>(message: (key: Key) => Message | undefined, language: Language): Translate<Key> =>
  (key, values = {}) => {
    const said = message(key);
    return said ? format(said, values, language) : key;
  };

function format(message: Message, values: Values, language: Language, count = 0): string {
  if (typeof message === 'string') return message;
  return message
    .map((part) => {
      if (typeof part === 'string') return part;
      if (part === 0) return new Intl.NumberFormat(language).format(count);
      const [name, cases] = part;
      const value = values[name];
      if (!cases) return value ?? `{${name}}`;
      const n = Number(value);
      const chosen = cases[`=${n}`] ?? cases[new Intl.PluralRules(language).select(n)] ?? cases.other!;
      return format(chosen, values, language, n);
    })
    .join('');
}
