import { word } from '../lib/i18n.svelte';
import { labelOf, type Label } from '../lib/wire';

/** One step of a macro in words. On the wire it is an object with the action's name as its one key. */
export function stepText(step: unknown, language: string): string {
  if (typeof step === 'string') return word('action_name', step);
  if (!step || typeof step !== 'object') return '';
  const [name, value] = Object.entries(step)[0] ?? ['', null];
  const said = valueText(value, language);
  return said ? `${word('action_name', name)}: ${said}` : word('action_name', name);
}

function valueText(value: unknown, language: string): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map((one) => valueText(one, language)).join(', ');
  if (typeof value === 'object') {
    const label = labelOf(value as Label, language);
    if (typeof label === 'string') return label;
    return Object.values(value)
      .map((one) => valueText(one, language))
      .join(' ');
  }
  return word('step_value', String(value));
}
