import { texting } from '../lib/i18n.svelte';
import { router } from '../lib/router.svelte';
import { toasts } from '../lib/toasts.svelte';
import type { Thread } from './thread.svelte';
import { ui } from './ui.svelte';

/** A reply is written in the visitor's language, which the server knows. */
export async function suggest(thread: Thread) {
  try {
    await thread.make('reply');
    // Where Tab takes it and Esc puts it away.
    if (ui.two.current) ui.focus('composer');
  } catch (error) {
    toasts.problem(error);
  }
}

/** A summary is for the agent, in the language that this page is read in. */
export async function summarise(thread: Thread) {
  ui.tab('summary');
  if (!ui.two.current) router.to({ context: true });
  try {
    await thread.make('summary', texting.language);
  } catch (error) {
    toasts.problem(error);
  }
}
