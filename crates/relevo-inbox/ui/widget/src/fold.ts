import type { Entry, SocketState } from '@relevo/core/socket';
import type { Item, ServerFrame, Who, Wish } from './wire';

/** Everything that the screen is drawn from. */
export interface State {
  /** `idle`: nobody opened the chat yet · `refused`: this page may not chat (wrong inbox or origin). */
  line: SocketState | 'idle' | 'refused';
  conversation: string | null;
  who: Who;
  name: string | null;
  position: number | null;
  /** In order of `seq`, each once. */
  items: Item[];
  /** The highest `seq` that the server's item frames have brought: what `hello` asks to continue after. */
  last: number;
  pending: Entry<Wish>[];
  partial: { turn: string; text: string } | null;
  typing: 'bot' | 'human' | null;
  /** Up to where the agent has read. */
  seen: number;
  /** Up to where this visitor has read, on any of their tabs. */
  read: number;
  /** The conversation's items have arrived at least once since the page was loaded. */
  loaded: boolean;
}

export const nothing: State = {
  line: 'idle',
  conversation: null,
  who: 'bot',
  name: null,
  position: null,
  items: [],
  last: 0,
  pending: [],
  partial: null,
  typing: null,
  seen: 0,
  read: 0,
  loaded: false,
};

/** What a frame makes of the state. Total and pure; every frame may come twice. */
export function fold(state: State, frame: ServerFrame): State {
  switch (frame.op) {
    case 'welcome': {
      const known = state.conversation !== null && state.conversation !== frame.conversation;
      return {
        ...(known ? { ...nothing, line: state.line, pending: state.pending } : state),
        conversation: frame.conversation,
        who: frame.who,
        name: frame.name,
        position: frame.queue?.position ?? null,
        // What was being written belongs to the line that broke; the server says it again if it still is.
        partial: null,
        typing: null,
        loaded: state.loaded || frame.conversation === null,
      };
    }
    case 'items':
      return { ...frame.items.reduce(item, state), loaded: true };
    case 'ack': {
      const entry = state.pending.find((one) => one.client_id === frame.client_id);
      if (!entry || entry.body.op !== 'say' || state.items.some((one) => one.seq === frame.seq)) return state;
      // Shown as sent at once; the item that follows under the same number replaces it.
      const said: Item = {
        seq: frame.seq,
        at: new Date(entry.at).toISOString(),
        kind: 'message',
        message: {
          id: frame.message_id ?? frame.client_id,
          author: { kind: 'visitor' },
          text: entry.body.text,
          attachments: entry.body.files,
          client_id: frame.client_id,
        },
      };
      return { ...state, items: insert(state.items, said) };
    }
    case 'typing':
      return { ...state, typing: frame.on ? frame.who : state.typing === frame.who ? null : state.typing };
    case 'partial':
      if (frame.text === null) return state.partial?.turn === frame.turn ? { ...state, partial: null } : state;
      // A bot that was stopped may still be heard for a moment: nothing of it is shown any more.
      return state.who === 'human' ? state : { ...state, partial: { turn: frame.turn, text: frame.text } };
    case 'queue':
      return { ...state, position: frame.position };
    case 'refused':
      return state;
    default:
      // A newer server may say more than this page understands.
      return state;
  }
}

function item(state: State, one: Item): State {
  const next = { ...state, items: insert(state.items, one), last: Math.max(state.last, one.seq) };
  switch (one.kind) {
    case 'message':
      if (one.message.author.kind === 'visitor') return next;
      return { ...next, partial: null, typing: null };
    case 'read':
      return one.reader === 'agent' ? { ...next, seen: Math.max(state.seen, one.up_to) } : next;
    case 'removed':
      return {
        ...next,
        items: next.items.map((was) =>
          was.kind === 'message' && was.message.id === one.message
            ? { ...was, message: { ...was.message, text: '', attachments: [], buttons: [] } }
            : was,
        ),
      };
    case 'state':
      return {
        ...next,
        who: one.who,
        name: one.name,
        position: one.who === 'queue' ? state.position : null,
        ...(one.who === 'bot' ? {} : { partial: null, typing: null }),
      };
    default:
      return next;
  }
}

function insert(items: Item[], one: Item): Item[] {
  const last = items.at(-1);
  if (!last || last.seq < one.seq) return [...items, one];
  return [...items.filter((other) => other.seq !== one.seq), one].sort((a, b) => a.seq - b.seq);
}

const theirs = (one: Item) => one.kind === 'message' && one.message.author.kind !== 'visitor';

/** Messages that the visitor has not looked at. */
export const unread = (state: State): number => state.items.filter((one) => theirs(one) && one.seq > state.read).length;

/** The newest message from the other side: what receipts name. */
export const newest = (state: State): number => state.items.filter(theirs).at(-1)?.seq ?? 0;
