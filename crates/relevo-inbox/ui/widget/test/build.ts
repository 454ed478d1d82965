import type { Entry } from '@relevo/core/socket';
import { fold, nothing, type State } from '../src/fold';
import type { Button, Item, ServerFrame, Who, Wish } from '../src/wire';

const at = (minute: number) => new Date(Date.UTC(2026, 10, 20, 12, minute)).toISOString();

export const own = (seq: number, text: string, client_id = `c${seq}`, minute = 0): Item => ({
  seq,
  at: at(minute),
  kind: 'message',
  message: { id: `m${seq}`, author: { kind: 'visitor' }, text, client_id },
});
export const bot = (seq: number, text: string, buttons: Button[] = [], minute = 0): Item => ({
  seq,
  at: at(minute),
  kind: 'message',
  message: { id: `m${seq}`, author: { kind: 'bot', bot: 'b' }, text, buttons },
  turn: 't',
});
export const agent = (seq: number, text: string): Item => ({
  seq,
  at: at(0),
  kind: 'message',
  message: { id: `m${seq}`, author: { kind: 'agent', agent: 'a' }, text },
});
export const turns = (seq: number, who: Who, name: string | null = null): Item => ({
  seq,
  at: at(0),
  kind: 'state',
  who,
  name,
});
export const seen = (seq: number, up_to: number): Item => ({ seq, at: at(0), kind: 'read', reader: 'agent', up_to });

export const items = (...list: Item[]): ServerFrame => ({ op: 'items', items: list });
export const welcome = (over: Partial<Extract<ServerFrame, { op: 'welcome' }>> = {}): ServerFrame => ({
  op: 'welcome',
  conversation: 'c',
  who: 'bot',
  name: 'Marina',
  queue: null,
  ...over,
});
export const waiting = (client_id: string, text: string): Entry<Wish> => ({
  client_id,
  at: Date.parse(at(30)),
  body: { op: 'say', text },
});
/** The state after these frames, with the line up. */
export const after = (...frames: ServerFrame[]): State => frames.reduce(fold, { ...nothing, line: 'open' });
