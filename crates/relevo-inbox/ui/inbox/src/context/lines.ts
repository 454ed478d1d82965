import type { Body } from '../lib/wire';
import type { Texts } from './texts';

export const lines = (said: string | string[] | null | undefined): string[] =>
  (Array.isArray(said) ? said : [said]).filter((line): line is string => !!line?.trim());

/** A summary as plain text, for copying and inserting. */
export function plainText(body: Body, names: Texts): string {
  const part = (name: string, said: string[]) => (said.length ? `${name}: ${said.join(' ')}` : '');
  const made = [
    part(names.issue, lines(body.issue)),
    part(
      names.collected,
      (body.collected ?? []).map((fact) => `${fact.key} = ${fact.value};`),
    ),
    part(names.tried, lines(body.tried)),
    part(names.next, lines(body.next)),
  ].filter(Boolean);
  return made.length ? made.join('\n') : (body.text ?? '');
}
