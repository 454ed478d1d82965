/** What a component needs around it: an agent, a conversation, and a house that answers with what it is told to. */
import { vi } from 'vitest';
import { texting } from '../src/lib/i18n.svelte';
import type { Agent, Card, Me } from '../src/lib/wire';
import { list } from '../src/store/list.svelte';
import { session } from '../src/store/session.svelte';
import { Thread } from '../src/store/thread.svelte';

export const agent = (id: string, name: string, role: Agent['role'] = 'agent'): Agent => ({
  id,
  name,
  email: `${id}@example.com`,
  role,
  teams: [],
  skills: [],
  languages: [],
  presence: 'available',
});

export const card = (change: Partial<Card> = {}): Card => ({
  id: 'c1',
  position: 10,
  seq: 5,
  inbox: 'shop',
  channel: 'web',
  contact: { id: 'v1', name: 'Ana', email: null, phone: null, verified: false },
  language: 'es',
  status: 'open',
  snoozed_until: null,
  priority: 'none',
  control: { holder: { kind: 'human', agent: 'me' }, epoch: 2 },
  assignee: 'me',
  participants: [],
  team: null,
  stage: null,
  labels: [],
  outcome: null,
  help: null,
  unread: 1,
  mentions: 0,
  last: { seq: 5, at: '2026-11-20T22:00:00.000Z', actor: { kind: 'visitor' }, preview: 'Hola', kind: 'message' },
  waiting_since: null,
  window_ends_at: null,
  created_at: '2026-11-20T21:00:00.000Z',
  updated_at: '2026-11-20T22:00:00.000Z',
  online: true,
  handoff_reason: null,
  draft: null,
  proposed_outcome: 'success',
  ...change,
});

export const me = (change: Partial<Me> = {}): Me => ({
  agent: agent('me', 'Lucía'),
  workspace: { name: 'Shop' },
  inboxes: [{ id: 'shop', name: 'Shop', channel: 'web', bot: 'bot' }],
  bots: [{ id: 'bot', name: 'Robin' }],
  teams: [{ id: 'returns', name: 'Returns' }],
  stages: [{ id: 'won', names: { es: 'Ganada', pt: 'Ganha', en: 'Won' } }],
  agents: [agent('me', 'Lucía'), agent('rui', 'Rui'), agent('rosa', 'Rosa')],
  copilot: { model: 'offline' },
  limits: { attachment_bytes: 1000 },
  visibility: 'everyone',
  ...change,
});

// The test's page has no layout and no top layer; what a menu holds is there whether it is open or not.
HTMLElement.prototype.hidePopover ??= () => {};

/** What was asked of the house: `METHOD path`, with the body. */
export interface Asked {
  what: string;
  body: unknown;
}

/** Signs an agent in with one conversation open. `answers` are by `METHOD path`; everything else is an empty list. */
export async function page(shown: Partial<Card> = {}, about: Partial<Me> = {}, answers: Record<string, unknown> = {}) {
  const asked: Asked[] = [];
  vi.stubGlobal('fetch', (path: string, { method = 'GET', body }: RequestInit = {}) => {
    const what = `${method} ${path}`;
    asked.push({ what, body: typeof body === 'string' ? JSON.parse(body) : undefined });
    return Promise.resolve(new Response(JSON.stringify(answers[what] ?? [])));
  });
  await texting.use('en');
  session.me = me(about);
  session.state = 'in';
  const one = card(shown);
  list.cards.clear();
  list.cards.set(one.id, one);
  list.order = [one.id];
  return { asked, thread: new Thread(one.id), card: one };
}
