/** Tells an agent who looks elsewhere that one of their visitors wrote. Only after they asked for it with a click. */
import { t } from '../lib/i18n.svelte';
import { router } from '../lib/router.svelte';
import { toasts } from '../lib/toasts.svelte';
import type { Card } from '../lib/wire';

const KEPT = 'relevo.notices';

/** Whether the change from one card to the next is a visitor's new words in a conversation that `me` holds. */
export function calls(before: Card | undefined, card: Card, me: string): boolean {
  const { holder } = card.control;
  if (holder.kind !== 'human' || holder.agent !== me || card.status === 'closed') return false;
  if (card.last?.kind !== 'message' || card.last.actor.kind !== 'visitor' || card.unread === 0) return false;
  return card.last.seq > (before?.last?.seq ?? 0) && (!before || card.unread > before.unread);
}

class Notices {
  on = $state(this.#allowed() && localStorage.getItem(KEPT) === 'on');

  /** A browser asks its question only as the answer to a click. */
  async toggle() {
    if (this.on) {
      this.on = false;
      localStorage.removeItem(KEPT);
      return;
    }
    const answer = 'Notification' in globalThis ? await Notification.requestPermission() : 'denied';
    this.on = answer === 'granted';
    if (this.on) localStorage.setItem(KEPT, 'on');
    else toasts.say(t('notice.blocked'), 'danger');
  }

  show(card: Card, name: string) {
    if (!this.on || !document.hidden) return;
    // One notice a conversation: the newest words take the place of those before.
    const notice = new Notification(name, { body: card.last?.preview ?? '', tag: card.id, icon: '/icon.svg' });
    notice.onclick = () => {
      window.focus();
      router.open(card.id);
      notice.close();
    };
  }

  #allowed() {
    return 'Notification' in globalThis && Notification.permission === 'granted';
  }
}

export const notices = new Notices();

/** How many of this agent's conversations have words that nobody has read. */
export function unreadOf(cards: Iterable<Card>, me: string): number {
  let found = 0;
  for (const { control, unread, status } of cards)
    if (control.holder.kind === 'human' && control.holder.agent === me && unread > 0 && status !== 'closed') found += 1;
  return found;
}
