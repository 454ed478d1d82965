/** What a report says, apart from the page so that it can be proven. */
import type { Used } from '../lib/wire';

/** One line of a cut: what it is about, and what became of it. */
export interface Line {
  label: string;
  used: Used;
}

const share = (part: number, of: number) => (of > 0 ? part / of : null);

/** Of those that were on a screen, how many were put into what somebody wrote. */
export const acceptance = (used: Used) => share(used.inserted, used.shown);
/** Of those that went out, how many went out as they were. */
export const unchanged = (used: Used) => share(used.sent_unchanged, used.sent);
/** How many characters were changed in one that went out. */
export const edits = (used: Used) => share(used.changed_characters, used.sent);
export const helped = (used: Used) => share(used.good, used.good + used.bad);
export const tokens = (used: Pick<Used, 'prompt_tokens' | 'completion_tokens'>) =>
  used.prompt_tokens + used.completion_tokens;

export const MEASURES = { acceptance, unchanged, edits, helped, made: (used: Used) => used.made };
export type Measure = keyof typeof MEASURES;

const COUNTS = [
  'made',
  'offline',
  'failed',
  'cancelled',
  'shown',
  'inserted',
  'edited',
  'sent',
  'sent_unchanged',
  'changed_characters',
  'rejected',
  'good',
  'bad',
  'prompt_tokens',
  'completion_tokens',
] as const;

/** Several as one; what they were told apart by is that of the first. */
export function sum(all: Used[]): Used | null {
  const [first, ...rest] = all;
  if (!first) return null;
  const made: Used = { ...first, cost_micros: { ...first.cost_micros } };
  for (const used of rest) {
    for (const count of COUNTS) made[count] += used[count];
    for (const [currency, micros] of Object.entries(used.cost_micros))
      made.cost_micros[currency] = (made.cost_micros[currency] ?? 0) + micros;
  }
  return made;
}

/** One line for each key, the most made first. */
export function cut(all: Used[], key: (used: Used) => string): { key: string; used: Used }[] {
  const groups = new Map<string, Used[]>();
  for (const used of all) groups.set(key(used), [...(groups.get(key(used)) ?? []), used]);
  return [...groups].map(([key, some]) => ({ key, used: sum(some)! })).sort((a, b) => b.used.made - a.used.made);
}

/** Every day from the first to the last, also those on which nothing happened. Days are UTC. */
export function days(from: string, until: string): string[] {
  const made: string[] = [];
  const day = new Date(`${from.slice(0, 10)}T00:00:00Z`);
  while (day.getTime() < Date.parse(until)) {
    made.push(day.toISOString().slice(0, 10));
    day.setUTCDate(day.getUTCDate() + 1);
  }
  return made;
}

/** Commas, quotes where needed; nothing that a spreadsheet would take for a formula. */
export function csv(rows: (string | number | null)[][]): string {
  const cell = (value: string | number | null) => {
    if (value === null) return '';
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

export function save(name: string, text: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
