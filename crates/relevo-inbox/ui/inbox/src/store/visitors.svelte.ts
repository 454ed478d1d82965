import { get } from '../lib/api';
import type { Visitor } from '../lib/wire';

export const COLUMNS = ['browsing', 'bot', 'queue', 'human'] as const;
export type Column = (typeof COLUMNS)[number];
export const columnOf = (visitor: Visitor): Column => visitor.control?.holder.kind ?? 'browsing';

/** Who is on the pages right now. */
class Visitors {
  rows = $state.raw<Visitor[]>([]);
  loading = $state(false);
  error = $state.raw<unknown>(null);

  async load() {
    this.loading = this.rows.length === 0;
    try {
      this.rows = await get<Visitor[]>('/api/visitors');
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.loading = false;
  }

  take(visitor: Visitor) {
    const rest = this.rows.filter((row) => row.contact.id !== visitor.contact.id || row.inbox !== visitor.inbox);
    this.rows = visitor.online ? [...rest, visitor] : rest;
  }

  in(column: Column): Visitor[] {
    return this.rows
      .filter((visitor) => columnOf(visitor) === column)
      .sort((a, b) => Date.parse(a.since) - Date.parse(b.since));
  }
}

export const visitors = new Visitors();
