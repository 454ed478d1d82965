/** Single letters work while no field has the focus. Keys are matched by what they write, so every layout has them. */
import { commandsFor } from './commands';
import { router, type PageName } from './lib/router.svelte';
import { mayOpen } from './store/may';
import { copilot, suggest } from './store/copilot.svelte';
import { list } from './store/list.svelte';
import { live } from './store/live.svelte';
import { ui, TABS } from './store/ui.svelte';

const PANES = ['list', 'conversation', 'composer', 'context'] as const;

function nextPane(back: boolean) {
  const here = document.activeElement?.closest('[data-pane]')?.getAttribute('data-pane');
  const there = PANES.filter((pane) => document.querySelector(`[data-pane="${pane}"]`));
  const at = there.findIndex((pane) => pane === here);
  const next = there[(at + (back ? -1 : 1) + there.length) % there.length];
  if (next) ui.focus(next);
}

function step(by: number) {
  const at = router.place.conversation ? list.order.indexOf(router.place.conversation) : -1;
  const next = list.order[at < 0 ? 0 : at + by];
  if (next) router.open(next);
}

/** The next row with words that nobody has read, round the end of the list. */
function stepUnread() {
  const at = router.place.conversation ? list.order.indexOf(router.place.conversation) : -1;
  const ahead = [...list.order.slice(at + 1), ...list.order.slice(0, Math.max(0, at))];
  const next = ahead.find((id) => (list.cards.get(id)?.unread ?? 0) > 0);
  if (next) router.open(next);
}

/** `G` and then a letter goes to a page. */
const PAGES: Record<string, PageName> = {
  i: 'inbox',
  v: 'visitors',
  s: 'shortcuts',
  k: 'knowledge',
  r: 'reports',
};
/** In ms: how long the letter may take. */
const PAUSE = 1500;
let going = 0;

function go(key: string, now: number): boolean {
  const meant = now - going < PAUSE;
  going = !meant && key === 'g' ? now : 0;
  if (going) return true;
  const page = meant ? PAGES[key] : undefined;
  if (page && mayOpen(page)) router.to({ page, conversation: null });
  return page !== undefined;
}

function onConversation(key: string): boolean {
  const card = live.thread?.card;
  const command = card && commandsFor(card).find((one) => one.key === key);
  if (card) void command?.run(card);
  return !!command;
}

export function keyboard(event: KeyboardEvent) {
  if (event.defaultPrevented || event.isComposing || ui.dialog || document.querySelector('dialog[open]')) return;
  const target = event.target as HTMLElement;
  if (event.key === 'F6') {
    event.preventDefault();
    return nextPane(event.shiftKey);
  }
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    const key = event.key.toLowerCase();
    if (event.shiftKey) {
      if (key !== 'l' || !copilot.menu) return;
      copilot.menu();
    } else if (key === 'k') ui.dialog = 'palette';
    else if (key === 'j' && live.thread) void suggest(live.thread);
    else return;
    return event.preventDefault();
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest('input, textarea, select, [contenteditable], [role="menu"]')) return;
  const done = go(event.key, event.timeStamp) || letters(event.key);
  if (done) event.preventDefault();
}

function letters(key: string): boolean {
  const tab = TABS[Number(key) - 1];
  if (key === '?') return ((ui.dialog = 'help'), true);
  if (router.place.page !== 'inbox') return false;
  if (key === '/') return ui.focus('search');
  if (key === 'j' || key === 'k') return (step(key === 'j' ? 1 : -1), true);
  if (key === 'u') return (stepUnread(), true);
  if (key === 'Escape') return ui.focus('list');
  if (!live.thread) return false;
  if (tab) return (ui.tab(tab), true);
  if (key === '.') return (ui.toggleContext(), true);
  return onConversation(key);
}
