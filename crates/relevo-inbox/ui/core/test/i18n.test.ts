import { describe, expect, test } from 'vitest';
import { chooseLanguage, translator } from '../src/i18n';
import { catalogue, parseMessage } from '../src/icu';

describe('language', () => {
  test.each([
    [['pt-BR', 'en'], 'pt'],
    [['de-DE', 'en-GB', 'es'], 'en'],
    [['fr', 'de'], 'es'],
    [[], 'es'],
    [[null, undefined, 'ES_mx'], 'es'],
  ])('%j chooses %s', (wished, chosen) => expect(chooseLanguage(wished)).toBe(chosen));
});

describe('messages', () => {
  const say = (message: string, values: Record<string, string | number> = {}, language: 'es' | 'en' = 'en') =>
    translator(catalogue({ m: message }), language)('m', values);

  test('names', () => expect(say('Hi {name}!', { name: '{x}' })).toBe('Hi {x}!'));
  test.each([
    [0, 'none'],
    [1, 'one item'],
    [1500, '1,500 items'],
  ])('plural of %i', (n, text) =>
    expect(say('{n, plural, =0 {none} one {# item} other {# items}}'.replace('# item}', 'one item}'), { n })).toBe(
      text,
    ),
  );
  test('quotes', () => expect(say("it''s '{raw}' don't")).toBe("it's {raw} don't"));
  test('a missing value and a missing key stay visible', () => {
    expect(say('{a}')).toBe('{a}');
    expect(translator(catalogue({} as Record<string, string>), 'es')('nowhere')).toBe('nowhere');
  });
  test.each(['{a', 'a}', '{n, plural, one {x}}', '{n, date}', '{n, select, other {x}}', '{}'])(
    '%s is refused',
    (message) => expect(() => parseMessage(message)).toThrow(SyntaxError),
  );
});
