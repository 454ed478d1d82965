import { Problem } from './api';
import { t, word } from './i18n.svelte';
import { nameOfAgent } from '../store/session.svelte';

export interface Toast {
  id: number;
  tone: 'info' | 'danger';
  text: string;
}

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  say(text: string, tone: Toast['tone'] = 'info') {
    const toast = { id: this.#next++, tone, text };
    this.list = [...this.list.slice(-3), toast];
    setTimeout(() => this.drop(toast.id), tone === 'danger' ? 9000 : 5000);
  }

  drop(id: number) {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** Names the cause of a refusal. A session that ended has a dialog of its own. */
  problem(error: unknown) {
    if (error instanceof Problem && error.status === 401) return;
    this.say(cause(error), 'danger');
  }
}

/** A refusal in the agent's language where its code is known, else in the server's words. */
export function cause(error: unknown): string {
  if (!(error instanceof Problem)) return t('problem.unexpected');
  if (error.code === 'already_taken' && typeof error.more.agent === 'string')
    return t('problem.already_taken', { name: nameOfAgent(error.more.agent) });
  if (error.code === 'already_added' && typeof error.more.name === 'string')
    return t('problem.already_added', { name: error.more.name });
  const known = word('problem', error.code);
  return known === error.code.replaceAll('_', ' ') ? error.detail || known : known;
}

export const toasts = new Toasts();
