import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import Composer from '../src/composer/Composer.svelte';
import { drafts } from '../src/store/drafts.svelte';
import { library } from '../src/store/library.svelte';
import { ui } from '../src/store/ui.svelte';
import { page } from './page';

const shortcut = (name: string) => ({
  name,
  title: `About ${name}`,
  language: 'es',
  languages: ['es'],
  category: null,
  body: 'Hola',
  variables: [],
  inputs: [],
  scope: 'shop',
  file: 'f.md',
});

afterEach(() => {
  cleanup();
  drafts.texts = {};
  vi.unstubAllGlobals();
});

async function composing(text: string, note = false) {
  const { thread, card } = await page();
  library.loaded = true;
  library.shortcuts = [shortcut('refund'), shortcut('return')];
  render(Composer, { thread, card });
  if (note) ui.mode = 'note';
  const box = screen.getByTestId<HTMLTextAreaElement>('composer');
  box.focus();
  await fireEvent.input(box, { target: { value: text, selectionStart: text.length } });
  return box;
}
/** What a screen reader says as chosen: the option that the text box, which has the focus, refers to. */
const heard = (box: HTMLElement) => {
  const option = document.getElementById(box.getAttribute('aria-activedescendant') ?? '');
  expect(box.ownerDocument.activeElement).toBe(box);
  expect(option?.getAttribute('aria-selected')).toBe('true');
  expect(option?.closest('[role=listbox]')?.id).toBe(box.getAttribute('aria-controls'));
  return option?.textContent?.replace(/\s+/g, ' ').trim();
};

// covers: S01
describe('the lists over the composer are heard', () => {
  test('shortcuts: the chosen one, and how many there are', async () => {
    const box = await composing('/re');
    expect(heard(box)).toContain('/refund');
    expect(screen.getByRole('status').textContent).toContain('2 choices');
    await fireEvent.keyDown(box, { key: 'ArrowDown' });
    expect(heard(box)).toContain('/return');
    await fireEvent.keyDown(box, { key: 'ArrowDown' });
    expect(heard(box)).toContain('/refund');
  });

  test('mentions: the chosen one, and how many there are', async () => {
    const box = await composing('@r', true);
    expect(heard(box)).toContain('Rui');
    expect(screen.getByRole('status').textContent).toContain('2 choices');
    await fireEvent.keyDown(box, { key: 'ArrowDown' });
    expect(heard(box)).toContain('Rosa');
    await fireEvent.keyDown(box, { key: 'Enter' });
    expect(box.value).toBe('@Rosa ');
  });

  test('nothing that fits is said, and is no option', async () => {
    const box = await composing('/zzz');
    expect(screen.getByRole('status').textContent).toBe('Nothing by that name');
    expect(box.hasAttribute('aria-activedescendant')).toBe(false);
    expect(screen.getByRole('listbox').children).toHaveLength(0);
    await fireEvent.keyDown(box, { key: 'Escape' });
    expect(screen.getByRole('status').textContent).toBe('');
  });
});
