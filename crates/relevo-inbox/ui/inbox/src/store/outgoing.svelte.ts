import { createOutbox, safeStorage, type Entry, type Outbox } from '@relevo/core/socket';
import { conversationPath, post, Problem } from '../lib/api';
import type { Mode, Upload } from '../lib/wire';
import { cause } from '../lib/toasts.svelte';
import type { Pending } from './fold';

export interface Outgoing {
  conversation: string;
  mode: Mode;
  text: string;
  files?: Upload[];
  mentions?: string[];
  shortcut?: string | null;
  artifact?: string | null;
  rewrites?: string[];
}

/** The pause, in ms, after an answer that did not come or came too fast. */
const AGAIN = 3000;

/**
 * What this agent wrote and the server has not confirmed. It survives a reload; it goes out again by itself after a
 * broken line, always under its first id, so that the server can tell a repeat. A refusal waits for the agent.
 */
class Outgoings {
  entries = $state.raw<Entry<Outgoing>[]>([]);
  /** Confirmed, but its fact has not come over the socket yet: it stays on the screen until then. */
  #confirmed = $state.raw<Entry<Outgoing>[]>([]);
  #box: Outbox<Outgoing> | null = null;
  #up = () => false;

  start(agent: string, up: () => boolean) {
    this.#up = up;
    this.#box = createOutbox<Outgoing>({
      prefix: `relevo.out.${agent}.`,
      storage: safeStorage(),
      send: (entry) => this.#up() && !!this.#post(entry),
      // Two quick messages must not overtake each other; another conversation does not wait for them.
      lane: ({ conversation }) => conversation,
      onChange: (entries) => (this.entries = entries),
    });
    this.entries = this.#box.entries();
  }

  add(body: Outgoing): string {
    if (!this.#box) throw new Error('the outbox is not open');
    return this.#box.add(body).client_id;
  }

  flush = () => this.#box?.flush();
  retry = (id: string) => this.#box?.retry(id);
  discard = (id: string) => this.#box?.discard(id);

  /** How many wait for the line. */
  get waiting() {
    return this.entries.filter((entry) => !entry.refused).length;
  }

  of(conversation: string): Pending[] {
    return [...this.#confirmed, ...this.entries]
      .filter((entry) => entry.body.conversation === conversation)
      .map((entry) => ({
        client_id: entry.client_id,
        at: entry.at,
        mode: entry.body.mode,
        text: entry.body.text,
        files: entry.body.files ?? [],
        refused: entry.refused ? entry.refused.detail : null,
      }));
  }

  /** Facts arrived: what they confirm need not be drawn twice, nor kept. */
  arrived(clientIds: Set<string>) {
    this.#confirmed = this.#confirmed.filter((entry) => !clientIds.has(entry.client_id));
    for (const entry of this.entries) if (clientIds.has(entry.client_id)) this.#box?.acked(entry.client_id);
  }

  async #post({ client_id, body }: Entry<Outgoing>) {
    const { conversation, mode, text, files, mentions, shortcut, artifact, rewrites } = body;
    const attachments = files?.map((file) => file.id) ?? [];
    try {
      if (mode === 'note')
        await post(conversationPath(conversation, '/notes'), { text, client_id, mentions: mentions ?? [] });
      else {
        const more = {
          ...(shortcut ? { shortcut } : {}),
          ...(artifact ? { artifact } : {}),
          ...(rewrites?.length ? { rewrites } : {}),
        };
        await post(conversationPath(conversation, '/messages'), { text, client_id, attachments, ...more });
      }
      const entry = this.#box?.acked(client_id);
      if (entry) this.#confirmed = [...this.#confirmed, entry];
    } catch (error) {
      const code = error instanceof Problem ? error.code : 'unexpected';
      // Signing in again opens the line, and that sends it.
      if (code === 'signed_out') return;
      // No answer says nothing about what happened: it stays, and is asked again under the same id.
      const retry_after_ms = code === 'offline' || code === 'rate_limited' ? AGAIN : undefined;
      this.#box?.refused(client_id, { code, detail: cause(error), retry_after_ms });
    }
  }
}

export const outgoing = new Outgoings();
