import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import type { Used } from '../src/lib/wire';
import Reports from '../src/pages/Reports.svelte';
import { acceptance, csv, cut, days, edits, sum } from '../src/reports/numbers';
import { agent, page } from './page';

const used = (more: Partial<Used> = {}): Used => ({
  kind: 'reply',
  model: null,
  prompt_version: null,
  language: null,
  agent: null,
  made: 0,
  offline: 0,
  failed: 0,
  cancelled: 0,
  shown: 0,
  inserted: 0,
  edited: 0,
  sent: 0,
  sent_unchanged: 0,
  changed_characters: 0,
  rejected: 0,
  good: 0,
  bad: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  cost_micros: {},
  ...more,
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

// covers: A11
test('rates are of what was shown or sent, and of nothing there is no rate', () => {
  expect(acceptance(used())).toBeNull();
  expect(acceptance(used({ shown: 4, inserted: 3 }))).toBe(0.75);
  expect(edits(used({ sent: 2, changed_characters: 9 }))).toBe(4.5);
});

test('rows are added up, each currency for itself', () => {
  const rows = [
    used({ language: 'es', made: 1, cost_micros: { EUR: 5 } }),
    used({ language: 'en', made: 4, cost_micros: { EUR: 1 } }),
    used({ language: 'es', made: 2, cost_micros: { USD: 7 } }),
  ];
  expect(sum(rows)).toMatchObject({ made: 7, cost_micros: { EUR: 6, USD: 7 } });
  expect(rows[0]!.cost_micros).toEqual({ EUR: 5 });
  const lines = cut(rows, ({ language }) => language ?? '');
  expect(lines.map(({ key, used }) => [key, used.made])).toEqual([
    ['en', 4],
    ['es', 3],
  ]);
});

test('every day has its place, also one on which nothing happened', () => {
  expect(days('2026-02-27T00:00:00.000Z', '2026-03-01T08:00:00.000Z')).toEqual([
    '2026-02-27',
    '2026-02-28',
    '2026-03-01',
  ]);
});

test('a file for spreadsheets quotes what must be quoted and holds no formula', () => {
  expect(csv([['a"b,c', 1.5, null, '=1+1', '-x', -2]])).toBe('"a""b,c",1.5,,\'=1+1,\'-x,-2\r\n');
});

async function shown(total: Used) {
  const report = {
    from: '2026-11-20T00:00:00.000Z',
    until: '2026-11-21T10:00:00.000Z',
    total,
    tasks: [total, used({ kind: 'summary', made: 9, shown: 9 })],
    models: [{ ...total, model: 'house', prompt_version: 'abc' }],
    languages: [{ ...total, language: 'es' }],
    agents: [{ ...total, agent: 'me' }],
  };
  const day = { day: '2026-11-21', asked: 2, prompt_tokens: 900, completion_tokens: 100, cost_micros: { EUR: 2600 } };
  const usage = {
    day_tokens: 500,
    days: [
      { ...day, team: 'returns' },
      { ...day, team: null, prompt_tokens: 0 },
    ],
  };
  const answer = (path: string) => new Response(JSON.stringify(path.includes('/usage?') ? usage : report));
  await page({}, { agent: agent('me', 'Sofía', 'supervisor') });
  const asked: string[] = [];
  vi.stubGlobal('fetch', (path: string) => (asked.push(path), Promise.resolve(answer(path))));
  render(Reports);
  return asked;
}

// covers: A11
test('the page tells rates, and each picture is a table too', async () => {
  const asked = await shown(
    used({ made: 8, shown: 8, inserted: 6, sent: 5, sent_unchanged: 4, changed_characters: 10 }),
  );
  expect((await screen.findByTestId('tile-acceptance')).textContent).toContain('75%');
  expect(screen.getByTestId('tile-edits').textContent).toContain('2');
  const days = screen.getByTestId('report-days');
  expect(days.querySelector('svg[role=img]')!.getAttribute('aria-label')).toContain('1,100 tokens in all');
  expect(days.querySelector('[stroke-dasharray]')).toBeNull();
  await fireEvent.change(screen.getByTestId('report-team'), { target: { value: 'returns' } });
  expect(days.querySelector('[stroke-dasharray]')).not.toBeNull();
  expect(days.querySelector('.fill-danger')).not.toBeNull();
  await fireEvent.click(days.querySelector('[data-testid=as-table]')!);
  expect([...days.querySelectorAll('tbody tr')].map((row) => row.textContent)).toHaveLength(1);
  expect(days.querySelector('tbody')!.textContent).toMatch(/Returns.*1,000.*200%.*€0.0026/s);
  await fireEvent.change(screen.getByTestId('report-period'), { target: { value: '7' } });
  const from = asked
    .filter((path) => path.includes('/report?'))
    .map((path) => decodeURIComponent(path.split('from=')[1]!));
  expect((Date.parse(from[1]!) - Date.parse(from[0]!)) / 86_400_000).toBe(23);
  expect(from[0]).toMatch(/T00:00:00.000Z$/);
});

test('an empty period says so', async () => {
  await shown(used());
  expect(await screen.findByTestId('report-empty')).toBeTruthy();
});
