import { cleanup, render } from '@testing-library/svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { read, router } from '../src/lib/router.svelte';
import Shell from '../src/shell/Shell.svelte';
import { list } from '../src/store/list.svelte';
import { card, page } from './page';

afterEach(() => {
  cleanup();
  list.position = null;
  list.view = 'mine';
  vi.unstubAllGlobals();
});

const query = (view: string) => `GET /api/conversations?view=${view}&sort=due&limit=60`;
async function arrives(address: string, mine: unknown[]) {
  history.replaceState(null, '', address);
  router.place = read(location);
  const counts = { 'GET /api/conversations/counts': {} };
  const pages = { [query('mine')]: { cards: mine, next: null, position: 1 } };
  const waiting = { [query('unassigned')]: { cards: [card({ id: 'c2' })], next: null, position: 1 } };
  const { asked } = await page({}, {}, { ...counts, ...pages, ...waiting });
  render(Shell);
  await vi.waitFor(() => expect([list.loading, list.view]).toEqual([false, router.place.view]));
  await vi.waitFor(() => expect(list.position).toBe(1));
  return asked;
}

// covers: F01
describe('at first sight', () => {
  test('an agent without conversations sees what nobody has taken', async () => {
    await arrives('/', []);
    await vi.waitFor(() => expect([list.view, list.order]).toEqual(['unassigned', ['c2']]));
    expect(location.search).toBe('?view=unassigned');
  });

  test('one who has some sees them', async () => {
    await arrives('/', [card()]);
    expect([list.view, list.order]).toEqual(['mine', ['c1']]);
  });

  test('a view that the address names is kept, empty or not', async () => {
    await arrives('/?view=mine', []);
    expect([list.view, list.order]).toEqual(['mine', []]);
  });
});
