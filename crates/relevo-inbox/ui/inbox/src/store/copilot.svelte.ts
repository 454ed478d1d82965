import { t, texting } from '../lib/i18n.svelte';
import { router } from '../lib/router.svelte';
import { toasts } from '../lib/toasts.svelte';
import type { Artifact, Mode, Style } from '../lib/wire';
import type { Task, Thread } from './thread.svelte';
import { ui } from './ui.svelte';

/** A part of what is being written: what is selected, or all of it. */
export interface Part {
  from: number;
  draft: string;
  mode: Mode;
}

class Copilot {
  /** What is in the composer now; it is told by the composer, and null where there is none. */
  part: (() => Part) | null = null;
  /** The rewriting's menu opens when this is called. */
  menu: (() => void) | null = null;
}
export const copilot = new Copilot();

async function make(thread: Thread, task: Task): Promise<string | null> {
  try {
    return await thread.make(task);
  } catch (error) {
    toasts.problem(error);
    return null;
  }
}

/** A reply is written in the visitor's language, which the server knows. */
export async function suggest(thread: Thread) {
  ui.mode = 'reply';
  thread.rewriting = null;
  // Where Tab takes it and Esc puts it away.
  if ((await make(thread, { kind: 'reply' })) && ui.two.current) ui.focus('composer');
}

/** A summary is for the agent, in the language that this page is read in. */
export async function summarise(thread: Thread, again = false) {
  onTab();
  // It is seen while it is written, whatever was looked at before.
  thread.only = null;
  await make(thread, { kind: 'summary', language: texting.language, ...(again ? { again } : {}) });
}

/** What is selected in other words, or all that is written. `language` is what it is translated into. */
export async function rewrite(thread: Thread, style: Style, language?: string) {
  const part = copilot.part?.();
  if (!part?.draft.trim()) return toasts.say(t('rewrite.nothing'));
  await rewritten(thread, part, style, language);
}

async function rewritten(thread: Thread, part: Part, style: Style, language?: string) {
  // Known before the first word of the answer comes.
  thread.rewriting = part;
  const task: Task = { kind: 'rewrite', draft: part.draft, style, ...(language ? { language } : {}) };
  if ((await make(thread, task)) && ui.two.current) ui.focus('composer');
}

/** An answer is for the agent too. */
export const ask = (thread: Thread, question: string) =>
  make(thread, { kind: 'ask', question, language: texting.language });

/** The same once more. */
export async function again(thread: Thread, made: Artifact) {
  const { draft, style, question } = made.body ?? {};
  if (made.kind === 'reply') await suggest(thread);
  else if (made.kind === 'ask' && question) await ask(thread, question);
  else if (made.kind === 'rewrite' && draft && style) {
    // What is in the composer may be another draft by now.
    const { rewriting } = thread;
    const part = rewriting?.draft === draft ? rewriting : { from: 0, draft, mode: ui.mode };
    await rewritten(thread, part, style, style === 'translated' ? made.language : undefined);
  } else await summarise(thread, true);
}

/** The AI summary tab, wherever it is on this screen. */
export function onTab() {
  ui.tab('summary');
  if (!ui.two.current) router.to({ context: true });
}
