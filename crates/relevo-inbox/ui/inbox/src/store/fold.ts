/** A conversation's facts, folded into what the timeline draws. Pure: the same facts always give the same rows. */
import type { Actor, Attachment, Delivery, Item, ItemOf, Message } from '../lib/wire';
import { startOfDay } from '../lib/format';

export interface Pending {
  client_id: string;
  at: number;
  mode: 'reply' | 'note';
  text: string;
  files: Attachment[];
  /** Why the server refused it; null while it is on its way. */
  refused: string | null;
}

export type Row =
  | { kind: 'day'; key: string; at: number }
  | { kind: 'new'; key: string }
  | {
      kind: 'message';
      key: string;
      item: ItemOf<'message'>;
      delivery: Delivery | null;
      reason: string | null;
      head: boolean;
    }
  | { kind: 'withheld'; key: string; item: ItemOf<'suppressed'>; message: Message; head: boolean }
  | { kind: 'note'; key: string; item: ItemOf<'note'>; head: boolean }
  | { kind: 'handoff'; key: string; item: ItemOf<'handoff_requested'>; said: string | null }
  | { kind: 'milestone'; key: string; item: Item; more: Item[] }
  | { kind: 'pending'; key: string; pending: Pending };

/** An empty message without files is one that was removed: no other is ever taken. */
export const isRemoved = ({ text, attachments }: Message) => text === '' && !attachments?.length;

/** The items as they are after every removal among them: what came before one still says what it said. */
function withoutRemoved(items: readonly Item[]): readonly Item[] {
  const gone = new Set(items.flatMap((item) => (item.kind === 'message_removed' ? [item.message] : [])));
  if (gone.size === 0) return items;
  const empty = (message: Message): Message =>
    gone.has(message.id) ? { ...message, text: '', attachments: [], buttons: [] } : message;
  return items.map((item) => {
    if (item.kind === 'message') return { ...item, message: empty(item.message) };
    if (item.kind === 'suppressed' && item.message) return { ...item, message: empty(item.message) };
    return item;
  });
}

/** Adds facts to a gap-free run. `gap` says that one is missing, so that the caller asks again from its last number. */
export function append(items: readonly Item[], incoming: readonly Item[]): { items: Item[]; gap: boolean } {
  const grown = [...items];
  let last = items.at(-1)?.seq ?? 0;
  for (const item of incoming) {
    if (item.seq <= last && items.length > 0) continue;
    if (grown.length > 0 && item.seq !== last + 1) return { items: grown, gap: true };
    grown.push(item);
    last = item.seq;
  }
  return { items: grown, gap: false };
}

/** Puts an older page before a run. */
export function prepend(items: readonly Item[], older: readonly Item[]): Item[] {
  const first = items[0]?.seq ?? Infinity;
  return [...older.filter((item) => item.seq < first), ...items];
}

/** What stands over what: a provider's later word resolves what was unknown or had failed. */
const RANK: Record<Delivery, number> = {
  queued: 0,
  sending: 1,
  unknown: 2,
  sent: 3,
  failed: 4,
  delivered: 5,
  read: 6,
  suppressed: 7,
};

/** The delivery of every outgoing message after all facts. */
export function deliveries(items: readonly Item[]): Map<string, { state: Delivery; reason: string | null }> {
  const found = new Map<string, { state: Delivery; reason: string | null; seq: number }>();
  const further = (id: string, state: Delivery, reason: string | null = null) => {
    const now = found.get(id);
    const again = now?.state === 'sending' && state === 'queued';
    if (now && (RANK[state] >= RANK[now.state] || again)) found.set(id, { ...now, state, reason });
  };
  const upTo = (seq: number, state: 'delivered' | 'read') => {
    for (const [id, now] of found)
      if (now.seq <= seq && RANK[now.state] < RANK[state] && !['unknown', 'failed'].includes(now.state))
        found.set(id, { ...now, state });
  };
  for (const item of items) {
    if (item.kind === 'message' && item.message.author.kind !== 'visitor')
      found.set(item.message.id, { state: 'queued', reason: null, seq: item.seq });
    else if (item.kind === 'delivery') further(item.message, item.state, item.reason ?? null);
    else if (item.kind === 'suppressed' && item.message) further(item.message.id, 'suppressed');
    else if (item.kind === 'read' && item.reader === 'visitor') upTo(item.up_to, 'read');
    else if (item.kind === 'received') upTo(item.up_to, 'delivered');
  }
  return found;
}

const SILENT = new Set<string>(['delivery', 'read', 'received', 'message_removed']);
const DRAWN = new Set<string>([
  'started',
  'captured',
  'taken_over',
  'joined',
  'left',
  'help_requested',
  'help_withdrawn',
  'transferred',
  'handed_back',
  'status_changed',
  'priority_changed',
  'labels_changed',
  'team_changed',
  'stage_changed',
  'closed',
  'reopened',
  'contact_updated',
  'page_visited',
  'turn_failed',
  'macro_ran',
]);
const TOGETHER = 3 * 60_000;

export const actorKey = (actor: Actor) =>
  actor.kind === 'bot' ? `bot ${actor.bot}` : actor.kind === 'agent' ? `agent ${actor.agent}` : actor.kind;

export function fold(all: readonly Item[], pending: readonly Pending[] = [], newAfter: number | null = null): Row[] {
  const items = withoutRemoved(all);
  const rows: Row[] = [];
  const states = deliveries(items);
  const said = new Set<string>();
  const arrived = new Set<string>();
  let day = NaN;
  let run = { who: '', at: 0 };
  let lastWords: string | null = null;
  let marked = newAfter === null;

  const dayOf = (at: number) => {
    const next = startOfDay(at);
    if (next !== day) rows.push({ kind: 'day', key: `day ${next}`, at });
    if (next !== day) run = { who: '', at: 0 };
    day = next;
  };
  /** Whether a bubble begins a group, that is, says who speaks. */
  const head = (who: string, at: number) => {
    const begins = run.who !== who || at - run.at > TOGETHER;
    run = { who, at };
    return begins;
  };

  for (const item of items) {
    if (SILENT.has(item.kind)) continue;
    const at = Date.parse(item.at);
    const key = `item ${item.seq}`;
    if (
      !marked &&
      newAfter !== null &&
      item.seq > newAfter &&
      item.kind === 'message' &&
      item.message.author.kind === 'visitor'
    ) {
      rows.push({ kind: 'new', key: 'new' });
      run = { who: '', at: 0 };
      marked = true;
    }
    if (item.kind === 'message') {
      dayOf(at);
      const { message } = item;
      said.add(message.id);
      if (message.client_id) arrived.add(message.client_id);
      if (message.author.kind === 'visitor') lastWords = message.text;
      const state = states.get(message.id);
      rows.push({
        kind: 'message',
        key,
        item,
        delivery: state?.state ?? null,
        reason: state?.reason ?? null,
        head: head(actorKey(message.author), at),
      });
    } else if (item.kind === 'note') {
      dayOf(at);
      if (item.note.client_id) arrived.add(item.note.client_id);
      rows.push({ kind: 'note', key, item, head: head(`note ${actorKey(item.actor)}`, at) });
    } else if (item.kind === 'suppressed' && item.message && !said.has(item.message.id)) {
      dayOf(at);
      rows.push({
        kind: 'withheld',
        key,
        item,
        message: item.message,
        head: head(`withheld ${actorKey(item.actor)}`, at),
      });
    } else if (item.kind === 'handoff_requested') {
      dayOf(at);
      run = { who: '', at: 0 };
      rows.push({ kind: 'handoff', key, item, said: lastWords });
    } else if (DRAWN.has(item.kind) || item.kind === 'suppressed') {
      dayOf(at);
      run = { who: '', at: 0 };
      const before = rows.at(-1);
      // A visitor who clicks through a shop would else push the talk out of sight.
      if (item.kind === 'page_visited' && before?.kind === 'milestone' && before.item.kind === 'page_visited')
        rows[rows.length - 1] = { ...before, more: [...before.more, item] };
      else rows.push({ kind: 'milestone', key, item, more: [] });
    }
  }
  for (const one of pending) {
    if (arrived.has(one.client_id)) continue;
    dayOf(one.at);
    rows.push({ kind: 'pending', key: `pending ${one.client_id}`, pending: one });
  }
  return rows;
}
