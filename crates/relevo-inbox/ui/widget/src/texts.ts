import { translator, type Language, type Message, type Translate } from '@relevo/core/i18n';
import en from './texts/en.json';
import es from './texts/es.json';
import pt from './texts/pt.json';

export type Key = keyof typeof es;
export type T = Translate<Key>;

/** The build has read the messages (vite.config.ts): what the compiler takes for texts are their parts. */
export const catalogues = { es, pt, en } as unknown as Record<Language, Record<Key, Message>>;

export const texts = (language: Language): T => translator((key) => catalogues[language][key], language);
