import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import Dialogs from '../src/conversation/Dialogs.svelte';
import { keyboard } from '../src/keys';
import { router } from '../src/lib/router.svelte';
import { list } from '../src/store/list.svelte';
import { live } from '../src/store/live.svelte';
import { ui } from '../src/store/ui.svelte';
import { card, page } from './page';

document.body.addEventListener('keydown', keyboard);
afterEach(() => {
  cleanup();
  ui.dialog = null;
  live.thread = null;
  vi.unstubAllGlobals();
});

async function opened() {
  const { thread } = await page();
  list.cards.set('c2', card({ id: 'c2', contact: { ...card().contact, id: 'v2', name: 'Marta Ruiz' } }));
  live.thread = thread;
  render(Dialogs);
  await fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true });
  return screen.getByTestId<HTMLInputElement>('palette');
}
const options = () => screen.queryAllByRole('option', { hidden: true });
const chosen = (box: HTMLElement) => document.getElementById(box.getAttribute('aria-activedescendant')!)!.textContent;

test('Ctrl+K offers what can be done with this conversation first, then conversations and pages', async () => {
  const box = await opened();
  expect(chosen(box)).toContain('Reply');
  const groups = screen.getAllByRole('group', { hidden: true }).map((group) => group.getAttribute('aria-label'));
  expect(groups).toEqual(['This conversation', 'Inbox', 'Pages']);
  // Held by this agent: there is nothing to take.
  expect(options().map((option) => option.textContent)).not.toContainEqual(expect.stringMatching(/^Take/));
});

test('what is typed finds, the arrows choose, Enter does it', async () => {
  const box = await opened();
  await fireEvent.input(box, { target: { value: 'marta' } });
  expect(chosen(box)).toContain('Marta Ruiz');
  expect(options()).toHaveLength(1);
  await fireEvent.keyDown(box, { key: 'Enter' });
  expect([ui.dialog, router.place.conversation]).toEqual([null, 'c2']);
});

test('an action may open a dialog of its own, and is offered first the next time', async () => {
  const box = await opened();
  await fireEvent.input(box, { target: { value: 'priority' } });
  await fireEvent.keyDown(box, { key: 'Enter' });
  expect(ui.dialog).toBe('priority');
  ui.dialog = null;
  await tick();
  await fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true });
  expect(chosen(screen.getByTestId('palette'))).toContain('Priority');
});
