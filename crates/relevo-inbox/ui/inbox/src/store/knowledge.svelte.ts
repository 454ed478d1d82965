import { get, patch, post, remove } from '../lib/api';
import type { Article, FoundPassage, KnowledgeOverview, NewSource } from '../lib/wire';

const at = (id: string, rest = '') => `/api/knowledge/sources/${encodeURIComponent(id)}${rest}`;

/** What the Copilot may cite. Fetched when its page opens, and again when the server says that it changed. */
class KnowledgeStore {
  overview = $state.raw<KnowledgeOverview | null>(null);
  /** The articles of the source that is open. */
  articles = $state.raw<Article[] | null>(null);
  error = $state.raw<unknown>(null);
  open = $state<string | null>(null);

  async load() {
    try {
      this.overview = await get<KnowledgeOverview>('/api/knowledge');
      this.error = null;
      if (this.open && !this.overview.sources.some((source) => source.id === this.open)) this.open = null;
      await this.#read();
    } catch (error) {
      this.error = error;
    }
  }

  /** The server says that something changed: only whoever has looked wants to know. */
  changed() {
    if (this.overview) void this.load();
  }

  async show(id: string | null) {
    this.open = id;
    this.articles = null;
    await this.#read();
  }

  async #read() {
    const id = this.open;
    if (!id || id === 'shortcuts') return void (this.articles = null);
    const articles = await get<Article[]>(at(id, '/articles'));
    // Another one may have been opened meanwhile.
    if (this.open === id) this.articles = articles;
  }

  async add(source: NewSource) {
    const { id } = await post<{ id: string }>('/api/knowledge/sources', source);
    this.open = id;
    await this.load();
  }

  sync = (id: string) => post<void>(at(id, '/sync'));

  async change(id: string, change: { name?: string; published?: boolean; internal?: boolean }) {
    await patch<void>(at(id), change);
    await this.load();
  }

  async publishArticle(id: string, article: string, published: boolean) {
    await patch<void>(at(id, '/articles'), { article, published });
    await this.load();
  }

  async remove(id: string) {
    await remove<void>(at(id));
    await this.load();
  }

  search = (question: string, publicOnly: boolean, signal: AbortSignal) =>
    get<FoundPassage[]>(
      `/api/knowledge/search?${new URLSearchParams({ q: question, public: String(publicOnly) })}`,
      signal,
    );
}

export const knowledge = new KnowledgeStore();
