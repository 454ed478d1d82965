import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import Information from '../src/context/Information.svelte';
import type { ConversationDetail } from '../src/lib/wire';
import { card, page } from './page';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function shown(country: unknown, stage: string | null = null) {
  const { thread, asked } = await page({ stage }, {}, { 'PATCH /api/conversations/c1': card({ stage: 'won' }) });
  const contact = { ...card().contact, attributes: {} };
  const information = { contact, pages: [], earlier: [], utm: {}, origin: {}, user_agent: null, country };
  thread.detail = { information, captured: {} } as unknown as ConversationDetail;
  render(Information, { thread });
  return asked;
}

// covers: I02
test('a country says when it is only a guess, and one that is not known takes no room', async () => {
  await shown({ code: 'ES', from: 'address' });
  expect(screen.getByText('Spain')).toBeTruthy();
  cleanup();
  await shown({ code: 'BR', from: 'time_zone' });
  expect(screen.getByText('Brazil (from the time zone)')).toBeTruthy();
  cleanup();
  await shown(null);
  expect(screen.queryByText('Country')).toBeNull();
});

// covers: C05 I02
test('a stage is chosen in the information, and one that the settings have no more is still shown', async () => {
  const asked = await shown(null);
  const select = screen.getByTestId<HTMLSelectElement>('stage');
  expect([...select.options].map(({ text }) => text)).toEqual(['No stage', 'Won']);
  await fireEvent.change(select, { target: { value: 'won' } });
  expect(asked.at(-1)).toEqual({ what: 'PATCH /api/conversations/c1', body: { stage: 'won' } });
  cleanup();
  await shown(null, 'of-old');
  expect(screen.getByTestId<HTMLSelectElement>('stage').selectedOptions[0]?.text).toBe('of-old');
});
