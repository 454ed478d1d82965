import type { Entry } from '@relevo/core/socket';
import type { State } from './fold';
import type { Attachment, Button, Item, Who, Wish } from './wire';

export type Mood = 'sending' | 'waiting' | 'sent' | 'seen' | 'refused';

/** One line of the timeline as it is drawn. */
export type Row =
  | { kind: 'day'; key: string; at: number }
  | { kind: 'milestone'; key: string; seq: number; at: number; who: Who; name: string | null }
  | {
      kind: 'message';
      key: string;
      seq: number | null;
      at: number;
      side: 'own' | 'bot' | 'human';
      /** Who said it, when it was not the visitor. */
      name: string | null;
      text: string;
      files: Attachment[];
      /** First and last of a group of one sender within three minutes. */
      first: boolean;
      end: boolean;
      buttons: Button[];
      /** Null while a button may be pressed, the chosen title (or '') afterwards. */
      chosen: string | null;
      mood: Mood | null;
      entry: Entry<Wish> | null;
    };

const GROUP = 3 * 60_000;

/** The timeline's lines: days, changes of who answers, messages in groups, and what still waits to be sent. */
export function rows(state: State, bot: string | null): Row[] {
  const made: Row[] = [];
  let day = '';
  let who: Who | null = null;
  let name: string | null = bot;

  const speaker = (side: 'own' | 'bot' | 'human') => {
    if (side === 'own') return null;
    if (who === side) return name;
    return side === 'bot' ? bot : null;
  };
  const push = (row: Exclude<Row, { kind: 'day' }>) => {
    const today = new Date(row.at).toDateString();
    if (today !== day) made.push({ kind: 'day', key: `d${today}`, at: row.at });
    day = today;
    const before = made.at(-1);
    if (row.kind === 'message' && before?.kind === 'message' && joins(before, row)) {
      row.first = false;
      before.end = false;
    }
    made.push(row);
  };

  for (const item of state.items) {
    const at = Date.parse(item.at);
    if (item.kind === 'state') {
      // Somebody joined or left, yet the same person answers: nothing that a visitor needs to read.
      if (item.who === who && item.name === name) continue;
      who = item.who;
      name = item.name;
      push({ kind: 'milestone', key: `s${item.seq}`, seq: item.seq, at, who, name });
    } else if (item.kind === 'message') {
      const { message } = item;
      const own = message.author.kind === 'visitor';
      const side = own ? 'own' : message.author.kind === 'bot' ? 'bot' : 'human';
      push({
        kind: 'message',
        // The same key before and after the acknowledgement, so that the bubble stays where it is.
        key: own && message.client_id ? message.client_id : `m${item.seq}`,
        seq: item.seq,
        at,
        side,
        name: speaker(side),
        text: message.text,
        files: message.attachments ?? [],
        first: true,
        end: true,
        buttons: message.buttons ?? [],
        chosen: null,
        mood: own ? (item.seq <= state.seen ? 'seen' : 'sent') : null,
        entry: null,
      });
    }
  }
  const acknowledged = new Set(state.items.map(clientId));
  for (const entry of state.pending) {
    if (entry.body.op !== 'say' || acknowledged.has(entry.client_id)) continue;
    push({
      kind: 'message',
      key: entry.client_id,
      seq: null,
      at: entry.at,
      side: 'own',
      name: null,
      text: entry.body.text,
      files: entry.body.files ?? [],
      first: true,
      end: true,
      buttons: [],
      chosen: null,
      mood: entry.refused ? 'refused' : state.line === 'open' ? 'sending' : 'waiting',
      entry,
    });
  }
  choices(made);
  moods(made);
  return made;
}

const clientId = (item: Item) => (item.kind === 'message' ? (item.message.client_id ?? null) : null);

type MessageRow = Extract<Row, { kind: 'message' }>;

const joins = (before: MessageRow, row: MessageRow) =>
  before.side === row.side && before.name === row.name && row.at - before.at < GROUP;

/** A question is answered by the next thing that the visitor says, or by another hand taking over. */
function choices(made: Row[]) {
  made.forEach((row, n) => {
    if (row.kind !== 'message' || !row.buttons.length) return;
    const after = made
      .slice(n + 1)
      .find((next) => next.kind === 'milestone' || (next.kind === 'message' && next.side === 'own'));
    if (after) row.chosen = after.kind === 'message' ? after.text : '';
  });
}

/** "Sent" and "seen" are said once, under the last message that they are true for. */
function moods(made: Row[]) {
  const quiet = new Set<Mood>();
  for (const row of [...made].reverse()) {
    if (row.kind !== 'message' || !row.mood || row.mood === 'refused') continue;
    if (quiet.has(row.mood)) row.mood = null;
    else {
      quiet.add(row.mood);
      if (row.mood === 'seen') quiet.add('sent');
    }
  }
}
