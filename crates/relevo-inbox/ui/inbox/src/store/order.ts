/** Which cards a view holds and how they are sorted: the same rules as the server's, so that a row moves without asking. */
import type { Card, Filters, Sort, ViewName } from '../lib/wire';

export function holds(view: ViewName, card: Card, me: string): boolean {
  const live = card.status === 'open' || card.status === 'pending';
  const { holder } = card.control;
  switch (view) {
    case 'mine':
      return live && ((holder.kind === 'human' && holder.agent === me) || card.participants.includes(me));
    case 'unassigned':
      return live && holder.kind !== 'human';
    case 'queue':
      return live && holder.kind === 'queue';
    case 'bot':
      return live && holder.kind === 'bot';
    case 'unattended':
      return card.status === 'open' && holder.kind !== 'bot' && card.waiting_since !== null;
    case 'needs_help':
      return live && card.help !== null;
    case 'others':
      return live && holder.kind === 'human' && holder.agent !== me;
    case 'all':
      return live;
    case 'mentions':
      return card.mentions > 0;
    case 'snoozed':
      return card.status === 'snoozed';
    case 'closed':
      return card.status === 'closed';
  }
}

/** Whether a card has what a list is narrowed to. */
export const fits = (card: Card, { inbox, team, stage, label }: Filters): boolean =>
  (!inbox || card.inbox === inbox) &&
  (!team || card.team === team) &&
  (!stage || card.stage === stage) &&
  (!label || card.labels.includes(label));

const last = (time: string | null) => (time ? Date.parse(time) : Number.MAX_SAFE_INTEGER);

export function compare(sort: Sort, a: Card, b: Card): number {
  const newest = b.position - a.position;
  const waiting = last(a.waiting_since) - last(b.waiting_since);
  switch (sort) {
    case 'due': {
      const window = (card: Card) => (card.waiting_since ? last(card.window_ends_at) : Number.MAX_SAFE_INTEGER);
      return window(a) - window(b) || waiting || newest;
    }
    case 'newest':
      return newest;
    case 'oldest':
      return -newest;
    case 'waiting':
      return waiting || newest;
  }
}

/** Puts a card where it belongs, or takes it out. `more`: rows after the last one are not loaded yet. */
export function place(
  order: readonly string[],
  cards: { get(id: string): Card | undefined },
  card: Card,
  wanted: { view: ViewName; filters: Filters; sort: Sort; me: string; more: boolean },
): string[] {
  const rest = order.filter((id) => id !== card.id);
  if (!holds(wanted.view, card, wanted.me) || !fits(card, wanted.filters)) return rest;
  let low = 0;
  let high = rest.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = cards.get(rest[middle]!);
    if (other && compare(wanted.sort, other, card) < 0) low = middle + 1;
    else high = middle;
  }
  if (low === rest.length && wanted.more && rest.length > 0 && !order.includes(card.id)) return rest;
  rest.splice(low, 0, card.id);
  return rest;
}
