import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import LabelsDialog from '../src/conversation/LabelsDialog.svelte';
import type { Card } from '../src/lib/wire';
import { list } from '../src/store/list.svelte';
import { card, page } from './page';

HTMLDialogElement.prototype.showModal ??= () => {};

const asks = 'GET /api/conversations/c1/suggested-labels';
const sets = 'PATCH /api/conversations/c1';

async function dialog(labels: string[], suggested: string[]) {
  const found = suggested.map((label) => ({ label, certainty: 0.4 }));
  const after = card({ labels: [...labels, ...suggested.slice(0, 1)], position: 11 });
  const { asked, card: shown } = await page({ labels }, {}, { [asks]: found, [sets]: after });
  const { rerender } = render(LabelsDialog, { card: shown, done: () => {} });
  if (suggested.length) await screen.findByTestId('labels-suggested');
  /** The conversation as the list has it by now, which is where the page takes it from. */
  const follow = () => rerender({ card: list.cards.get('c1') as Card, done: () => {} });
  const sent = () => asked.filter(({ what }) => what === sets).map(({ body }) => body);
  return { sent, follow };
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test('a suggested label is set by one click and taken back by another', async () => {
  const { sent, follow } = await dialog(['vip'], ['refund', 'size']);
  const chip = () => screen.getByTestId('suggested-refund');
  expect(chip().getAttribute('aria-pressed')).toBe('false');
  await fireEvent.click(chip());
  const tick = screen.getByRole<HTMLInputElement>('checkbox', { name: 'refund' });
  expect(tick.checked, 'whoever saves at once keeps it').toBe(true);
  await vi.waitFor(() => expect(sent()).toEqual([{ labels: ['vip', 'refund'] }]));
  await follow();
  expect(chip().getAttribute('aria-pressed')).toBe('true');
  await vi.waitFor(() => expect(screen.getByRole<HTMLInputElement>('checkbox', { name: 'refund' }).checked).toBe(true));
  await fireEvent.click(chip());
  await vi.waitFor(() => expect(sent()[1]).toEqual({ labels: ['vip'] }));
});

test('a suggested label is set by its number, but not while a label is written', async () => {
  const { sent } = await dialog([], ['refund', 'size']);
  await fireEvent.keyDown(screen.getByTestId('labels-input'), { key: '2' });
  await fireEvent.keyDown(window, { key: '3' });
  await fireEvent.keyDown(window, { key: '2', ctrlKey: true });
  expect(sent()).toEqual([]);
  await fireEvent.keyDown(window, { key: '2' });
  await vi.waitFor(() => expect(sent()).toEqual([{ labels: ['size'] }]));
  expect(within(screen.getByTestId('labels-suggested')).getAllByRole('button')).toHaveLength(2);
});

test('where nothing is suggested, nothing is said of it', async () => {
  await dialog(['vip'], []);
  await vi.waitFor(() => expect(screen.getByRole('checkbox', { name: 'vip' })).toBeTruthy());
  expect(screen.queryByTestId('labels-suggested')).toBeNull();
});
