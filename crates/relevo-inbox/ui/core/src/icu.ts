import type { Message, Part } from './i18n';

/**
 * Reads ICU messages. Of ICU it knows what chat pages need: `{name}`, `{n, plural, =0 {…} one {…} other {# …}}`, `''` and `'{quoted}'`. The widget's catalogues are read when it is built.
 */
export function catalogue<Key extends string>(texts: Record<Key, string>): (key: Key) => Message | undefined {
  const read = new Map<Key, Message>();
  return (key) => {
    const text: string | undefined = texts[key];
    if (text !== undefined && !read.has(key)) read.set(key, parseMessage(text));
    return read.get(key);
  };
}

/** Reads one message; throws on a syntax it does not know, so that a catalogue test catches it. */
export function parseMessage(message: string): Message {
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
      return [name];
    }
    expect(',');
    const by = word();
    if (by !== 'plural') return fail(`"${by}" is not supported`);
    expect(',');
    const cases: Record<string, Message> = {};
    for (space(); message[at] !== '}'; space()) {
      const label = word();
      expect('{');
      cases[label] = parts(true);
      expect('}');
    }
    at += 1;
    if (!cases.other) fail(`"${name}" has no "other"`);
    return [name, cases];
  };

  const parts = (nested: boolean): Message => {
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
      } else if (char === '#' && nested) {
        flush();
        made.push(0);
        at += 1;
      } else {
        text += char;
        at += 1;
      }
    }
    flush();
    return made.length === 1 && typeof made[0] === 'string' ? made[0] : made;
  };
  return parts(false);
}
