import { translator, type Message } from '@relevo/core/i18n';
import { catalogue, parseMessage } from '@relevo/core/icu';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import en from '../src/locales/en.json';
import es from '../src/locales/es.json';
import pt from '../src/locales/pt.json';

const catalogues: Record<string, Record<string, string>> = { es, pt, en };
const names = (text: string): string[] => {
  const found = (message: Message): string[] =>
    typeof message === 'string'
      ? []
      : message.flatMap((part) => {
          if (typeof part === 'string' || part === 0) return [];
          const [name, cases = {}] = part;
          return [name, ...Object.values(cases).flatMap(found)];
        });
  return [...new Set(found(parseMessage(text)))].sort();
};

const source = join(import.meta.dirname, '../src');
const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(svelte|ts)$/.test(path))
  .map((path) => readFileSync(join(source, path), 'utf8'))
  .join('\n');

describe.each(['pt', 'en'])('%s', (language) => {
  test('has the keys of Spanish, no more and no fewer', () => {
    expect(Object.keys(catalogues[language]!)).toEqual(Object.keys(es));
  });

  test('asks for the same values', () => {
    for (const [key, text] of Object.entries(catalogues[language]!))
      expect([key, names(text)]).toEqual([key, names(catalogues.es![key]!)]);
  });
});

test('every text can be read', () => {
  for (const texts of Object.values(catalogues))
    for (const text of Object.values(texts)) expect(() => parseMessage(text)).not.toThrow();
});

test('every key that the code names exists', () => {
  const named = [...code.matchAll(/\bt\(\s*'([a-z_]+\.[a-z_]+)'/g)].map(([, key]) => key!);
  expect(named.length).toBeGreaterThan(150);
  expect(named.filter((key) => !(key in es))).toEqual([]);
});

test('every key is used', () => {
  const families = new Set(
    [...code.matchAll(/(?:\bt\(\s*`|label: `|word\(\s*')([a-z_]+)(?:\.\$|')/g)].map(([, family]) => family),
  );
  const idle = Object.keys(es).filter((key) => !families.has(key.split('.')[0]!) && !code.includes(`'${key}'`));
  expect(idle).toEqual([]);
});

test('numbers bend the words', () => {
  const t = translator(catalogue(es), 'es');
  expect(t('conversation.unseen', { n: 1 })).toBe('1 mensaje nuevo');
  expect(t('conversation.unseen', { n: 3 })).toBe('3 mensajes nuevos');
});
