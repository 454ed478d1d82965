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

/** How far an agent moved from what was proposed: 0 untouched, 1 all new. By words, which is what people change. */
export function distance(proposed: string, sent: string): number {
  const [a, b] = [proposed, sent].map((text) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])) as [
    Set<string>,
    Set<string>,
  ];
  const both = [...a].filter((word) => b.has(word)).length;
  const all = new Set([...a, ...b]).size;
  return all === 0 ? 0 : 1 - both / all;
}
