import { conversationPath, patch, post, remove } from '../lib/api';
import { t } from '../lib/i18n.svelte';
import { toasts } from '../lib/toasts.svelte';
import type { Card, MacroResult, Outcome, Priority } from '../lib/wire';
import { list } from './list.svelte';
import { live } from './live.svelte';

type Change = Partial<{
  status: 'open' | 'pending' | 'snoozed';
  snoozed_until: string | null;
  priority: Priority;
  labels: string[];
  team: string | null;
  stage: string | null;
}>;

/** What an agent does with a conversation. The answer is its new row; a refusal is told with its cause. */
async function act(id: string, path: string, body: unknown = {}): Promise<boolean> {
  try {
    const card = await post<Card | null>(conversationPath(id, `/${path}`), body);
    if (card?.id) list.take(card, true);
    return true;
  } catch (error) {
    toasts.problem(error);
    return false;
  }
}

export async function take(id: string): Promise<boolean> {
  const done = await act(id, 'take-over');
  if (done && live.thread?.id === id) live.thread.briefing = true;
  return done;
}
/** Takes a message back, for good. */
export async function removeMessage(id: string, seq: number): Promise<boolean> {
  try {
    await remove(conversationPath(id, `/messages/${seq}`));
    return true;
  } catch (error) {
    toasts.problem(error);
    return false;
  }
}
export const join = (id: string) => act(id, 'join');
export const leave = (id: string) => act(id, 'leave');
export const askForHelp = (id: string, note: string, skill: string | null) =>
  act(id, 'help', { ...(note.trim() ? { note: note.trim() } : {}), ...(skill ? { skill } : {}) });
export async function withdrawHelp(id: string) {
  try {
    list.take(await remove<Card>(conversationPath(id, '/help')), true);
  } catch (error) {
    toasts.problem(error);
  }
}
export const handBack = (id: string, bot?: string) => act(id, 'hand-back', bot ? { bot } : {});
export const reopen = (id: string) => act(id, 'reopen');
export const close = (id: string, outcome?: Outcome) => act(id, 'close', outcome ? { outcome } : {});
export const transfer = (
  id: string,
  to: { kind: 'agent'; agent: string } | { kind: 'team'; team: string },
  note: string,
) => act(id, 'transfer', { to, ...(note.trim() ? { note: note.trim() } : {}) });

/** Shows the change at once and takes it back when the server refuses. */
export async function change(id: string, wanted: Change): Promise<boolean> {
  const before = list.cards.get(id);
  if (before) list.cards.set(id, { ...before, ...wanted });
  try {
    list.take(await patch<Card>(conversationPath(id), wanted), true);
    return true;
  } catch (error) {
    const now = list.cards.get(id);
    if (before && now?.position === before.position) list.cards.set(id, before);
    toasts.problem(error);
    return false;
  }
}

export async function snooze(id: string, until: Date | null) {
  const wanted = { status: 'snoozed' as const, ...(until ? { snoozed_until: until.toISOString() } : {}) };
  if (await change(id, wanted)) toasts.say(t('toast.snoozed'));
}

/** The same `client_id` again runs nothing twice: whoever tries again after a broken line gives it again. */
export async function runMacro(
  id: string,
  name: string,
  client_id: string,
  inputs: Record<string, string>,
  skip: number[],
) {
  const done = await post<{ steps: MacroResult[]; card?: Card }>(
    conversationPath(id, `/macros/${encodeURIComponent(name)}`),
    { client_id, inputs, skip },
  );
  if (done.card) list.take(done.card, true);
  return done.steps;
}
