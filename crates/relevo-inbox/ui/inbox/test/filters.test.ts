import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { router } from '../src/lib/router.svelte';
import Chips from '../src/list/Chips.svelte';
import FilterMenu from '../src/list/FilterMenu.svelte';
import Row from '../src/list/Row.svelte';
import Views from '../src/list/Views.svelte';
import { list } from '../src/store/list.svelte';
import { ui } from '../src/store/ui.svelte';
import { agent, card, page } from './page';

afterEach(() => {
  cleanup();
  ui.panes.folded = [];
  localStorage.clear();
  vi.unstubAllGlobals();
});

const inboxes = ['shop', 'help'].map((id) => ({ id, name: id.toUpperCase(), channel: 'web', bot: null }));
async function house() {
  const { asked } = await page({}, { inboxes });
  await list.clear();
  list.groups = { inboxes: { shop: 3 }, labels: { vip: 1, refund: 2 } };
  return () =>
    new URLSearchParams(
      asked
        .filter(({ what }) => what.includes('limit='))
        .at(-1)!
        .what.split('?')[1],
    );
}

// covers: F01
test('inboxes and labels are views of their own, the most used label first', async () => {
  const last = await house();
  render(Views, { column: true });
  const labels = screen.getAllByTestId(/^label-/).map((entry) => entry.textContent?.replace(/\s+/g, ' ').trim());
  expect(labels).toEqual(['refund 2', 'vip 1']);
  await fireEvent.click(screen.getByTestId('inbox-help'));
  expect([router.place.view, last().get('inbox')]).toEqual(['all', 'help']);
  await fireEvent.click(screen.getByTestId('inbox-help'));
  expect(last().get('inbox')).toBeNull();
});

test('a folded group stays folded', async () => {
  await house();
  render(Views, { column: true });
  await fireEvent.click(screen.getByTestId('group-labels'));
  expect(screen.queryByTestId('label-vip')).toBeNull();
  expect(screen.getByTestId('inbox-shop')).toBeTruthy();
  expect(JSON.parse(localStorage.getItem('relevo.panes')!)).toMatchObject({ folded: ['labels'] });
});

// covers: F04
test('what the list is narrowed to stands over it, and is taken away one by one or all at once', async () => {
  const last = await house();
  render(FilterMenu);
  render(Chips);
  await fireEvent.click(screen.getByTestId('filter-team-returns'));
  await fireEvent.click(screen.getByTestId('filter-stage-won'));
  await fireEvent.click(screen.getByTestId('filter-label-vip'));
  expect(['team', 'stage', 'label'].map((name) => last().get(name))).toEqual(['returns', 'won', 'vip']);
  list.q = 'ana';
  await tick();
  const chips = () => screen.queryAllByTestId(/^chip-/).map((chip) => chip.textContent?.trim());
  expect(chips()).toEqual(['Team: Returns', 'Stage: Won', 'Label: vip', 'Search: ana']);
  await fireEvent.click(screen.getByTestId('chip-stage'));
  expect(chips()).toEqual(['Team: Returns', 'Label: vip', 'Search: ana']);
  expect([last().get('stage'), last().get('q')]).toEqual([null, 'ana']);
  await fireEvent.click(screen.getByTestId('clear-filters'));
  expect(chips()).toEqual([]);
  expect([...last().keys()]).toEqual(['view', 'sort', 'limit']);
});

// covers: H11
test('a call for help is starred for whoever knows what it needs', async () => {
  const help = { by: 'rui', since: '2026-11-20T22:00:00.000Z', note: null, skill: 'returns' };
  for (const [skills, starred] of [
    [['returns'], true],
    [['billing'], false],
  ] as const) {
    await page({ help }, { agent: { ...agent('me', 'Lucía'), skills: [...skills] } });
    render(Row, { card: card({ help }), current: false });
    expect(screen.getByTestId('row-c1').textContent).toContain('Needs help');
    expect(screen.getByTestId('row-c1').textContent?.includes('This is your field')).toBe(starred);
    cleanup();
  }
});

// covers: F02
test('a row names its inbox where there are several', async () => {
  for (const [several, told] of [
    [inboxes, true],
    [inboxes.slice(0, 1), false],
  ] as const) {
    await page({}, { inboxes: [...several] });
    const { container } = render(Row, { card: card({ inbox: 'shop' }), current: false });
    const spoken = container.querySelector('.sr-only')!.textContent;
    expect([spoken.includes('SHOP'), !!screen.queryByText('SHOP')]).toEqual([told, told]);
    cleanup();
  }
});
