import { get } from '../lib/api';
import type { FileProblem, Input, Macro, Shortcut } from '../lib/wire';

/** Shortcuts and macros: files on the server, fetched when first needed and again when the server says so. */
class LibraryStore {
  shortcuts = $state.raw<Shortcut[]>([]);
  macros = $state.raw<Macro[]>([]);
  problems = $state.raw<FileProblem[]>([]);
  error = $state.raw<unknown>(null);
  loaded = $state(false);

  async load() {
    try {
      [this.shortcuts, this.macros, this.problems] = await Promise.all([
        get<Shortcut[]>('/api/shortcuts'),
        get<Macro[]>('/api/macros'),
        get<FileProblem[]>('/api/library/problems'),
      ]);
      this.error = null;
      this.loaded = true;
    } catch (error) {
      this.error = error;
    }
  }

  /** One shortcut a name: in this language where there is one, as the server chooses when it renders. */
  inLanguage(language: string | null): Shortcut[] {
    const base = language?.slice(0, 2) ?? '';
    const rank = (code: string) => (code === base ? 0 : code === 'es' ? 1 : code === 'en' ? 2 : 3);
    const best = new Map<string, Shortcut>();
    for (const one of this.shortcuts) {
      const known = best.get(one.name);
      if (!known || rank(one.language) < rank(known.language)) best.set(one.name, one);
    }
    return [...best.values()];
  }

  need() {
    if (!this.loaded) void this.load();
  }
}

export const library = new LibraryStore();

export const inputsOf = (inputs: (Input | string)[] | undefined): Input[] =>
  (inputs ?? []).map((input) => (typeof input === 'string' ? { name: input } : input));

const plain = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** How well something fits what was typed after the slash; 0 is not at all. Letters may be left out, not swapped. */
export function fit(typed: string, name: string, title: string, body = ''): number {
  const wanted = plain(typed);
  if (!wanted) return 1;
  const [slug, words] = [plain(name), plain(title)];
  if (slug.startsWith(wanted)) return 100;
  if (words.split(/\s+/).some((word) => word.startsWith(wanted))) return 80;
  if (slug.includes(wanted) || words.includes(wanted)) return 60;
  if (plain(body).includes(wanted)) return 30;
  let at = 0;
  for (const letter of slug) if (letter === wanted[at]) at += 1;
  return at === wanted.length ? 20 : 0;
}
