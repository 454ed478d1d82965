import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import Composer from '../src/composer/Composer.svelte';
import type { Artifact } from '../src/lib/wire';
import Menu from '../src/parts/Menu.svelte';
import { drafts } from '../src/store/drafts.svelte';
import { createRawSnippet } from 'svelte';
import { page } from './page';

const TEXT = 'Your order left today.';
const reply = (more: Partial<Artifact> = {}): Artifact => ({
  id: 'a1',
  kind: 'reply',
  status: 'done',
  created_at: '2026-11-20T22:00:00.000Z',
  created_by: 'me',
  language: 'en',
  model: 'offline',
  prompt_version: '1',
  offline: true,
  covers: { first: 1, last: 5 },
  stale: false,
  new_messages: 0,
  body: { suggestions: [{ text: TEXT }] },
  sources: [],
  error: null,
  cost: null,
  tokens: null,
  feedback: [],
  ...more,
});

afterEach(() => {
  cleanup();
  drafts.texts = {};
  vi.unstubAllGlobals();
});

async function suggested(artifact: Artifact = reply()) {
  const { asked, thread, card } = await page();
  thread.artifacts = [artifact];
  thread.ghost = artifact.id;
  render(Composer, { thread, card });
  const box = screen.getByTestId<HTMLTextAreaElement>('composer');
  const told = () => asked.filter(({ what }) => /artifacts/.test(what)).map(({ what, body }) => [what, body]);
  return { thread, box, told };
}
const at = (rest: string) => `/api/conversations/c1/artifacts/a1/${rest}`;

// covers: A02
describe('a suggestion', () => {
  test('Tab in the composer inserts it', async () => {
    const { thread, box, told } = await suggested();
    await fireEvent.keyDown(box, { key: 'Tab' });
    expect(box.value).toBe(TEXT);
    expect(thread.ghost).toBeNull();
    expect(told()).toContainEqual([`POST ${at('feedback')}`, { what: 'inserted', suggestion: 0 }]);
  });

  test('E outside a field inserts it to be edited from its beginning; in the composer it is a letter', async () => {
    const { thread, box } = await suggested();
    await fireEvent.keyDown(box, { key: 'e' });
    expect(thread.ghost).toBe('a1');
    await fireEvent.keyDown(document.body, { key: 'e' });
    await vi.waitFor(() => expect([box.value, box.selectionStart]).toEqual([TEXT, 0]));
  });

  test('Esc puts it away, in the composer and outside', async () => {
    for (const where of ['composer', 'body'] as const) {
      const { thread, box, told } = await suggested();
      await fireEvent.keyDown(where === 'composer' ? box : document.body, { key: 'Escape' });
      expect(thread.ghost).toBeNull();
      expect(told()).toContainEqual([`POST ${at('feedback')}`, { what: 'rejected' }]);
      expect(box.value).toBe('');
      cleanup();
    }
  });

  test('Esc while it is written stops it and keeps what there is', async () => {
    const { thread, box, told } = await suggested(reply({ status: 'running', body: null }));
    thread.delta('a1', 'writing', 0, 'Your order left');
    await fireEvent.keyDown(box, { key: 'Escape' });
    expect(told()).toContainEqual([`DELETE ${at('run')}`, undefined]);
    thread.artifact(reply({ status: 'cancelled', body: null }));
    expect((await screen.findByText(/it is incomplete/)).nextElementSibling?.textContent).toContain('Your order left');
    await fireEvent.keyDown(box, { key: 'Tab' });
    expect(box.value).toBe('Your order left');
    expect(thread.ghost).toBeNull();
  });

  test('of a stopped answer each draft can be taken, without its marks, and what may be internal warns first', async () => {
    const { thread, box } = await suggested(reply({ status: 'running', body: null }));
    thread.delta('a1', 'writing', 0, 'It left today [2].\n===\nIt comes tomorrow [1, 3]. Ask Rosa [');
    expect((await screen.findByTestId('writing')).textContent).not.toMatch(/=|\[/);
    thread.artifact(reply({ status: 'cancelled', body: { internal: true } }));
    await screen.findByTestId('ghost-insert-1');
    await fireEvent.keyDown(box, { key: 'Tab' });
    expect(box.value).toBe('');
    expect(screen.getByTestId('ghost-asks')).toBeTruthy();
    await fireEvent.click(screen.getByTestId('ghost-insert-1'));
    await fireEvent.click(screen.getByTestId('ghost-insert-1'));
    expect(box.value).toBe('It comes tomorrow. Ask Rosa');
  });

  test('where nobody can write it stays, and is not counted as inserted', async () => {
    const { asked, thread, card } = await page({ control: { holder: { kind: 'human', agent: 'rui' }, epoch: 3 } });
    thread.artifacts = [reply()];
    thread.ghost = 'a1';
    render(Composer, { thread, card });
    const insert = screen.getByTestId<HTMLButtonElement>('ghost-insert');
    expect(insert.disabled).toBe(true);
    await fireEvent.keyDown(document.body, { key: 'e' });
    expect(thread.ghost).toBe('a1');
    expect(asked.some(({ body }) => (body as { what?: string } | undefined)?.what === 'inserted')).toBe(false);
  });
});

test('a menu: Tab leaves it for its button, and a switch is a checkbox', async () => {
  const hide = vi.spyOn(HTMLElement.prototype, 'hidePopover');
  const trigger = createRawSnippet(() => ({ render: () => '<i></i>' }));
  const groups = [{ items: [{ label: 'Notices', on: true, run: () => {} }] }];
  render(Menu, { label: 'Menu', groups, trigger });
  const item = screen.getByRole('menuitemcheckbox', { hidden: true });
  expect(item.getAttribute('aria-checked')).toBe('true');
  item.focus();
  // Not prevented: the browser goes on from the button.
  expect(await fireEvent.keyDown(item, { key: 'Tab' })).toBe(true);
  expect(hide).toHaveBeenCalledOnce();
  expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Menu' }));
});
