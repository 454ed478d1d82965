import { browserLanguage, chooseLanguage, translator, type Language, type Values } from '@relevo/core/i18n';
import { catalogue } from '@relevo/core/icu';
import type spanish from '../locales/es.json';

export type Key = keyof typeof spanish;
type Texts = Record<Key, string>;

const KEPT = 'relevo.language';
// One language is loaded at a time: an agent pays for the words that they read.
const catalogues: Record<Language, () => Promise<{ default: Texts }>> = {
  es: () => import('../locales/es.json'),
  pt: () => import('../locales/pt.json'),
  en: () => import('../locales/en.json'),
};

class Texting {
  language = $state<Language>('es');
  #translate = $state.raw<(key: Key, values?: Values) => string>((key) => key);

  get t() {
    return this.#translate;
  }

  async use(language: Language) {
    const { default: texts } = await catalogues[language]();
    this.language = language;
    this.#translate = translator(catalogue<Key>(texts), language);
    document.documentElement.lang = language;
  }

  async choose(language: Language) {
    localStorage.setItem(KEPT, language);
    await this.use(language);
  }

  async start() {
    const kept = localStorage.getItem(KEPT);
    await this.use(kept ? chooseLanguage([kept]) : browserLanguage());
  }
}

export const texting = new Texting();
export const t = (key: Key, values?: Values) => texting.t(key, values);

/** A text for a word of the wire (`handoff_reason`, a code); the word itself where no text knows it. */
export function word(family: string, value: string, values?: Values): string {
  const key = `${family}.${value}` as Key;
  const text = texting.t(key, values);
  return text === key ? value.replaceAll('_', ' ') : text;
}
