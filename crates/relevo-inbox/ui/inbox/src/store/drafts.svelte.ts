import { safeStorage } from '@relevo/core/socket';
import { conversationPath, get, put } from '../lib/api';
import type { Mode } from '../lib/wire';
import { list } from './list.svelte';

const WAIT = 800;
const storage = safeStorage();
const place = (conversation: string, mode: Mode) => `relevo.draft.${conversation}.${mode}`;

/**
 * What an agent began to write, per conversation and mode. This browser's copy is written with every key and is
 * newer by nature; the server's is written when the fingers rest, and is what another machine finds.
 */
class Drafts {
  texts = $state<Record<string, string>>({});
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #fetched = new Set<string>();

  of(conversation: string, mode: Mode): string {
    return this.texts[place(conversation, mode)] ?? '';
  }

  async open(conversation: string) {
    const modes: Mode[] = ['reply', 'note'];
    for (const mode of modes) {
      const key = place(conversation, mode);
      if (!(key in this.texts)) this.texts[key] = storage.getItem(key) ?? '';
    }
    if (this.#fetched.has(conversation)) return;
    this.#fetched.add(conversation);
    try {
      const kept = await get<Record<Mode, string | null>>(conversationPath(conversation, '/drafts'));
      for (const mode of modes) {
        const key = place(conversation, mode);
        if (!this.texts[key] && storage.getItem(key) === null) this.texts[key] = kept[mode] ?? '';
      }
    } catch {
      this.#fetched.delete(conversation);
    }
  }

  write(conversation: string, mode: Mode, text: string) {
    const key = place(conversation, mode);
    if (this.texts[key] === text) return;
    this.texts[key] = text;
    storage.setItem(key, text);
    clearTimeout(this.#timers.get(key));
    this.#timers.set(
      key,
      setTimeout(() => void this.#keep(conversation, mode), text ? WAIT : 0),
    );
  }

  async #keep(conversation: string, mode: Mode) {
    const key = place(conversation, mode);
    const text = this.texts[key] ?? '';
    if (mode === 'reply') list.draft(conversation, text);
    try {
      await put(conversationPath(conversation, '/draft'), { mode, text });
      // Once both agree the server's copy is enough, so that another machine's later text is found.
      if (this.texts[key] === text) storage.removeItem(key);
    } catch {
      // The copy in this browser stays and wins when the conversation is opened again.
    }
  }
}

export const drafts = new Drafts();
