import { LANGUAGES, type Message } from '@relevo/core/i18n';
import { expect, test } from 'vitest';
import { catalogues, texts, type Key } from '../src/texts';

const names = (message: Message): string[] =>
  typeof message === 'string'
    ? []
    : message.flatMap((part) => {
        if (typeof part === 'string' || part === 0) return [];
        const [name, cases = {}] = part;
        return [name, ...Object.values(cases).flatMap(names)];
      });
const used = (message: Message) => [...new Set(names(message))].sort();

test.each(LANGUAGES)('%s has every key, readable and with the same values', (language) => {
  const [es, other] = [catalogues.es, catalogues[language]];
  expect(Object.keys(other)).toEqual(Object.keys(es));
  for (const key of Object.keys(es) as Key[]) {
    expect(other[key], key).not.toHaveLength(0);
    expect(used(other[key]), key).toEqual(used(es[key]));
  }
});

test('plurals agree', () => {
  expect(texts('es')('launcher.open', { n: 1 })).toBe('Abrir el chat, 1 mensaje sin leer');
  expect(texts('pt')('launcher.open', { n: 2 })).toBe('Abrir o chat, 2 mensagens não lidas');
  expect(texts('en')('launcher.open', { n: 0 })).toBe('Open the chat');
});
