import { money } from '../lib/format';
import { texting } from '../lib/i18n.svelte';
import type { Used } from '../lib/wire';

export const number = (value: number, digits = 0) =>
  value.toLocaleString(texting.language, { maximumFractionDigits: digits });

export const percent = (share: number) =>
  share.toLocaleString(texting.language, { style: 'percent', maximumFractionDigits: 0 });

/** The same for a file: digits that every spreadsheet reads, and the currency's code. */
export const plainCosts = (used: Pick<Used, 'cost_micros'>) =>
  Object.entries(used.cost_micros)
    .map(([currency, micros]) => `${micros / 1e6} ${currency}`)
    .join(' + ');

/** What it cost, in each of its currencies. */
export const costs = (used: Pick<Used, 'cost_micros'>, language: string) =>
  Object.entries(used.cost_micros)
    .map(([currency, micros]) => money(language, micros, currency))
    .join(' + ');
