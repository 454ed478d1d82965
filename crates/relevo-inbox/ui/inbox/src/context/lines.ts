import type { Body } from '../lib/wire';
import type { Texts } from './texts';

export const lines = (said: string | string[] | null | undefined): string[] =>
  (Array.isArray(said) ? said : [said]).filter((line): line is string => !!line?.trim());

/** A summary as plain text, for copying and inserting. */
export function plainText(body: Body, names: Texts): string {
  const part = (name: string, said: string[]) => (said.length ? `${name}: ${said.join(' ')}` : '');
  const issue = lines(body.issue);
  const text = body.text?.trim() ?? '';
  return [
    issue.includes(text) ? '' : text,
    part(names.issue, issue),
    part(
      names.collected,
      (body.collected ?? []).map((fact) => `${fact.key} = ${fact.value};`),
    ),
    part(names.tried, lines(body.tried)),
    part(names.next, lines(body.next)),
  ]
    .filter(Boolean)
    .join('\n');
}
