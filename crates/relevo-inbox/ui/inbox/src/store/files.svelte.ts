import { conversationPath, upload } from '../lib/api';
import { t } from '../lib/i18n.svelte';
import { cause } from '../lib/toasts.svelte';
import type { Upload } from '../lib/wire';
import { session } from './session.svelte';

/** A file beside the composer: on its way (`share` of it), there, or refused. */
export interface Attached {
  key: number;
  name: string;
  share: number;
  there: Upload | null;
  problem: string | null;
}

/** What goes with an answer that is being written, per conversation. A reload forgets it, and so does the house. */
class Files {
  #all = $state<Record<string, Attached[]>>({});
  #made = 0;

  of(conversation: string): Attached[] {
    return this.#all[conversation] ?? [];
  }

  attach(conversation: string, files: Iterable<File>) {
    for (const file of files) {
      const key = (this.#made += 1);
      const attached: Attached = { key, name: file.name, share: 0, there: null, problem: null };
      this.#all[conversation] = [...this.of(conversation), attached];
      const change = (change: Partial<Attached>) => {
        const mine = this.of(conversation).find((one) => one.key === key);
        if (mine) Object.assign(mine, change);
      };
      // The house would hang up in the middle.
      if (file.size > (session.me?.limits.attachment_bytes ?? Infinity)) change({ problem: t('problem.too_large') });
      else
        upload<Upload>(conversationPath(conversation, '/files'), file, (share) => change({ share })).then(
          (there) => change({ there, share: 1 }),
          (error: unknown) => change({ problem: cause(error) }),
        );
    }
  }

  detach(conversation: string, key: number) {
    this.#all[conversation] = this.of(conversation).filter((one) => one.key !== key);
  }

  /** Those that are there, for the message that carries them. */
  take(conversation: string): Upload[] {
    const there = this.of(conversation).flatMap((one) => one.there ?? []);
    delete this.#all[conversation];
    return there;
  }
}

export const files = new Files();
