import { SvelteMap } from 'svelte/reactivity';
import { get } from '../lib/api';
import { FILTERS, VIEWS, type Card, type Filters, type Sort, type ViewName } from '../lib/wire';
import { holds, place } from './order';
import { session } from './session.svelte';

const PAGE = 60;
type Counts = Partial<Record<ViewName, number>>;
interface Groups {
  inboxes: Record<string, number>;
  labels: Record<string, number>;
}
const NONE: Filters = { inbox: null, team: null, stage: null, label: null };

class List {
  /** Every card that this page has heard of, not only those of the view shown. */
  cards = new SvelteMap<string, Card>();
  order = $state.raw<string[]>([]);
  counts = $state.raw<Counts>({});
  view = $state<ViewName>('mine');
  sort = $state<Sort>('due');
  q = $state('');
  filters = $state.raw<Filters>(NONE);
  /** How many live conversations each inbox and label has. */
  groups = $state.raw<Groups | null>(null);
  loading = $state(true);
  error = $state.raw<unknown>(null);
  /** Changes held back while the pointer or the focus is on the list: rows must not move under the hand. */
  held = $state(0);
  position: number | null = null;

  #next: string | null = null;
  #waiting: string[] | null = null;
  #still = new Set<'pointer' | 'focus'>();
  #asked: AbortController | null = null;
  #loadingMore = false;
  #countTimer: ReturnType<typeof setTimeout> | undefined;

  async show(view: ViewName, sort: Sort) {
    if (view === this.view && sort === this.sort && this.position !== null) return;
    this.view = view;
    this.sort = sort;
    await this.load();
  }

  get filtered() {
    return this.q.trim() !== '' || FILTERS.some((name) => this.filters[name] !== null);
  }

  narrow(change: Partial<Filters>) {
    this.filters = { ...this.filters, ...change };
    return this.load();
  }

  /** Everything of the view again. */
  clear() {
    this.q = '';
    this.filters = NONE;
    return this.load();
  }

  async load() {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    this.loading = true;
    this.error = null;
    try {
      const page = await this.#page(null, asked.signal);
      this.#drop();
      for (const card of page.cards) this.#keep(card);
      this.order = page.cards.map((card) => card.id);
      this.#next = page.next;
      this.position = Math.max(this.position ?? 0, page.position);
    } catch (error) {
      if (asked.signal.aborted) return;
      this.error = error;
    }
    this.loading = false;
  }

  async more() {
    if (!this.#next || this.#loadingMore || this.loading) return;
    this.#loadingMore = true;
    const asked = this.#asked;
    try {
      const page = await this.#page(this.#next, asked?.signal);
      for (const card of page.cards) this.#keep(card);
      const known = new Set(this.order);
      this.order = [...this.order, ...page.cards.map((card) => card.id).filter((id) => !known.has(id))];
      this.#next = page.next;
    } catch {
      // Scrolling on asks again; the rows that are there stay.
    } finally {
      this.#loadingMore = false;
    }
  }

  /** A row changed: from the socket, or as the answer to what this agent did (`mine`: applied at once). */
  take(card: Card, mine = false) {
    const before = this.cards.get(card.id);
    if (before && before.position > card.position) return;
    this.#keep(card);
    this.position = Math.max(this.position ?? 0, card.position);
    const me = session.agent.id;
    if (
      !before ||
      VIEWS.some((view) => holds(view, before, me) !== holds(view, card, me)) ||
      before.labels.join() !== card.labels.join()
    )
      this.countSoon();
    // Whether a search still matches only the server knows; rows that are shown are refreshed in place.
    if (this.q.trim()) return;
    const order = this.#waiting ?? this.order;
    const next = place(order, this.cards, card, {
      view: this.view,
      filters: this.filters,
      sort: this.sort,
      me,
      more: this.#next !== null,
    });
    if (next.length === order.length && next.every((id, n) => id === order[n])) return;
    if (this.#still.size > 0 && !mine) {
      this.#waiting = next;
      this.held += 1;
    } else {
      this.#waiting = this.#waiting ? next : null;
      this.order = next;
      if (!this.#waiting) this.held = 0;
    }
  }

  gone(id: string, position: number) {
    this.cards.delete(id);
    this.order = this.order.filter((other) => other !== id);
    this.#waiting = this.#waiting?.filter((other) => other !== id) ?? null;
    this.position = Math.max(this.position ?? 0, position);
    this.countSoon();
  }

  online(contact: string, online: boolean) {
    for (const card of this.cards.values())
      if (card.contact.id === contact && card.online !== online) this.cards.set(card.id, { ...card, online });
  }

  draft(id: string, text: string) {
    const card = this.cards.get(id);
    if (card && (card.draft ?? '') !== text) this.cards.set(id, { ...card, draft: text || null });
  }

  hold(by: 'pointer' | 'focus') {
    this.#still.add(by);
  }

  release(by: 'pointer' | 'focus') {
    this.#still.delete(by);
    if (this.#still.size === 0) this.apply();
  }

  apply() {
    if (this.#waiting) this.order = this.#waiting.filter((id) => this.cards.has(id));
    this.#drop();
  }

  countSoon(wait = 700) {
    if (this.#countTimer) return;
    this.#countTimer = setTimeout(() => {
      this.#countTimer = undefined;
      void this.count();
    }, wait);
  }

  async count() {
    try {
      [this.counts, this.groups] = await Promise.all([
        get<Counts>('/api/conversations/counts'),
        get<Groups>('/api/conversations/groups'),
      ]);
    } catch {
      // The numbers stay as they were; the next change asks again.
    }
  }

  #drop() {
    this.#waiting = null;
    this.held = 0;
  }

  #keep(card: Card) {
    const known = this.cards.get(card.id);
    if (!known || known.position <= card.position) this.cards.set(card.id, card);
  }

  #page(after: string | null, signal?: AbortSignal) {
    const query = new URLSearchParams({ view: this.view, sort: this.sort, limit: String(PAGE) });
    if (this.q.trim()) query.set('q', this.q.trim());
    for (const name of FILTERS) if (this.filters[name]) query.set(name, this.filters[name]);
    if (after) query.set('after', after);
    return get<{ cards: Card[]; next: string | null; position: number }>(`/api/conversations?${query}`, signal);
  }
}

export const list = new List();
