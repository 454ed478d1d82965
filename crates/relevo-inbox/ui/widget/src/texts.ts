import { translator, type Language, type Translate } from '@relevo/core/i18n';
import en from './texts/en.json';
import es from './texts/es.json';
import pt from './texts/pt.json';

export type Key = keyof typeof es;
export type T = Translate<Key>;

export const catalogues: Record<Language, Record<Key, string>> = { es, pt, en };

export const texts = (language: Language): T => translator(catalogues[language], language);
