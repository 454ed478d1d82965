/** The composer's rules, apart from the page so that they can be proven. */
import type { Card, Mode } from '../lib/wire';

/** The longest message the house takes, in Unicode scalar values as the server counts them. */
export const LIMIT = 8000;
export const length = (text: string) => [...text].length;

export type Bar = 'closed' | 'held' | null;

/** Why an agent cannot answer the visitor now; notes are always possible. */
export function bar(card: Card, me: string, mode: Mode): Bar {
  if (mode === 'note') return null;
  if (card.status === 'closed') return 'closed';
  const { holder } = card.control;
  if (holder.kind === 'human' && holder.agent !== me && !card.participants.includes(me)) return 'held';
  return null;
}

/** The `/word` that ends at the caret, if it begins a word. */
export function slash(text: string, caret: number): { start: number; typed: string } | null {
  const hit = /(?:^|\s)\/([\p{L}\p{N}_-]*)$/u.exec(text.slice(0, caret));
  return hit ? { start: caret - hit[1]!.length - 1, typed: hit[1]! } : null;
}

/** The `@name` that ends at the caret. */
export function at(text: string, caret: number): { start: number; typed: string } | null {
  const hit = /(?:^|\s)@([\p{L}\p{N}_.-]*)$/u.exec(text.slice(0, caret));
  return hit ? { start: caret - hit[1]!.length - 1, typed: hit[1]! } : null;
}

export const replace = (text: string, from: number, to: number, by: string) => ({
  text: text.slice(0, from) + by + text.slice(to),
  caret: from + by.length,
});

/** Values that a shortcut left open: `{{contact.first_name}}`. */
export const holes = (text: string) => [...text.matchAll(/\{\{\s*([\w.]+)\s*\}\}/g)].map(([, name]) => name!);

/** Puts a mark around the selection, or takes it away. */
export function mark(text: string, from: number, to: number, sign: string) {
  const inside = text.slice(from, to);
  const marked = text.slice(from - sign.length, from) === sign && text.slice(to, to + sign.length) === sign;
  if (marked)
    return {
      text: text.slice(0, from - sign.length) + inside + text.slice(to + sign.length),
      from: from - sign.length,
      to: to - sign.length,
    };
  return {
    text: text.slice(0, from) + sign + inside + sign + text.slice(to),
    from: from + sign.length,
    to: to + sign.length,
  };
}

/** What is selected, or all of it, without the space around it. */
export function part(text: string, start: number, end: number) {
  const some = start < end && text.slice(start, end).trim() !== '';
  const from = some ? start : 0;
  const draft = some ? text.slice(start, end) : text;
  return { from: from + draft.length - draft.trimStart().length, draft: draft.trim() };
}

/** A text with a rewriting taken back. */
export function restored(text: string, done: { before: string; after: string; draft: string; words: string }): string {
  const at = text.indexOf(done.words);
  if (text === done.after || at < 0) return done.before;
  return replace(text, at, at + done.words.length, done.draft).text;
}

/** What a model has written so far, without the marks of its sources, which nobody has held against any. */
export const unmarked = (text: string): string => text.replace(/\s*\[(?:cite:)?[#\d\s,]*(?:\]|$)/g, '').trim();

/** Its drafts as far as it came with them. */
export const unfinished = (text: string): string[] =>
  text
    .split(/^=+[^\S\n]*$/m)
    .map(unmarked)
    .filter((draft) => draft !== '');
