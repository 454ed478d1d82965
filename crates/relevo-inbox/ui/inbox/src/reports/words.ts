import { money } from '../lib/format';
import { texting } from '../lib/i18n.svelte';
import type { Used } from '../lib/wire';

export const number = (value: number, digits = 0) =>
  value.toLocaleString(texting.language, { maximumFractionDigits: digits });

export const percent = (share: number) =>
  share.toLocaleString(texting.language, { style: 'percent', maximumFractionDigits: 0 });

/** What it cost, in each of its currencies. */
export const costs = (used: Pick<Used, 'cost_micros'>, language: string) =>
  Object.entries(used.cost_micros)
    .map(([currency, micros]) => money(language, micros, currency))
    .join(' + ');
