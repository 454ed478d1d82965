import { SORTS, VIEWS, type Sort, type ViewName } from './wire';

const PAGES = ['inbox', 'visitors', 'shortcuts', 'knowledge', 'reports'] as const;
export type PageName = (typeof PAGES)[number];
export interface Place {
  page: PageName;
  conversation: string | null;
  /** On narrow screens the context is a page of its own. */
  context: boolean;
  view: ViewName;
  sort: Sort;
}

export function read(address: { pathname: string; search: string }): Place {
  const [first, id, third] = address.pathname.split('/').filter(Boolean);
  const query = new URLSearchParams(address.search);
  const view = query.get('view') as ViewName | null;
  const sort = query.get('sort') as Sort | null;
  return {
    page: PAGES.find((page) => page === first) ?? 'inbox',
    conversation: first === 'c' && id ? decodeURIComponent(id) : null,
    context: first === 'c' && third === 'info',
    view: view && VIEWS.includes(view) ? view : 'mine',
    sort: sort && SORTS.includes(sort) ? sort : 'due',
  };
}

export function write(place: Place): string {
  const path =
    place.page !== 'inbox'
      ? `/${place.page}`
      : place.conversation
        ? `/c/${encodeURIComponent(place.conversation)}${place.context ? '/info' : ''}`
        : '/';
  const query = new URLSearchParams();
  if (place.view !== 'mine') query.set('view', place.view);
  if (place.sort !== 'due') query.set('sort', place.sort);
  return query.size ? `${path}?${query}` : path;
}

class Router {
  place = $state.raw<Place>(read(location));

  start() {
    addEventListener('popstate', () => (this.place = read(location)));
  }

  to(change: Partial<Place>, how: 'push' | 'replace' = 'push') {
    const next = { ...this.place, ...change };
    if (!('context' in change)) next.context = false;
    const address = write(next);
    if (address !== location.pathname + location.search)
      history[how === 'push' ? 'pushState' : 'replaceState'](null, '', address);
    this.place = next;
  }

  open(conversation: string | null) {
    this.to({ page: 'inbox', conversation });
  }
}

export const router = new Router();
