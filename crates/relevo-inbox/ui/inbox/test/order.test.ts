import { describe, expect, test } from 'vitest';
import { VIEWS, type Card, type Sort, type ViewName } from '../src/lib/wire';
import { compare, holds, place } from '../src/store/order';

let position = 0;
const card = (id: string, more: Partial<Card> = {}): Card =>
  ({
    id,
    position: ++position,
    status: 'open',
    control: { holder: { kind: 'bot', bot: 'mia' }, epoch: 1 },
    participants: [],
    help: null,
    labels: [],
    mentions: 0,
    waiting_since: null,
    window_ends_at: null,
    ...more,
  }) as Card;
const human = (agent: string) => ({ holder: { kind: 'human' as const, agent }, epoch: 3 });
const waits = { holder: { kind: 'queue' as const, team: null, skill: null, since: '' }, epoch: 2 };
const sorted = (sort: Sort, cards: Card[]) => [...cards].sort((a, b) => compare(sort, a, b)).map((one) => one.id);

describe('views', () => {
  test.each<[string, Partial<Card>, ViewName[]]>([
    ['with a bot', {}, ['unassigned', 'bot', 'all']],
    ['waiting', { control: waits }, ['unassigned', 'queue', 'all']],
    ['mine', { control: human('me') }, ['mine', 'all']],
    ['another agent holds it', { control: human('rui') }, ['others', 'all']],
    ['joined', { control: human('rui'), participants: ['me'] }, ['mine', 'others', 'all']],
    ['snoozed', { status: 'snoozed', control: human('me') }, ['snoozed']],
    ['closed and mentioned', { status: 'closed', mentions: 1 }, ['mentions', 'closed']],
    [
      'waiting for an answer',
      { control: human('me'), waiting_since: '2026-11-20T10:00:00Z' },
      ['mine', 'unattended', 'all'],
    ],
    ['waiting for the bot', { waiting_since: '2026-11-20T10:00:00Z' }, ['unassigned', 'bot', 'all']],
    [
      'a colleague calls for help',
      { control: human('rui'), help: { by: 'rui', since: '', note: null, skill: null } },
      ['needs_help', 'others', 'all'],
    ],
    ['pending', { status: 'pending', control: human('me') }, ['mine', 'all']],
  ])('%s', (_, more, views) => {
    expect(VIEWS.filter((view) => holds(view, card('a', more), 'me'))).toEqual(views);
  });
});

describe('sorting', () => {
  test('due: waiting ones by the end of their window, then by how long they wait, then the rest', () => {
    const cards = [
      card('idle'),
      card('late', { waiting_since: '2026-11-20T10:05:00Z' }),
      card('early', { waiting_since: '2026-11-20T10:00:00Z' }),
      card('ends', { waiting_since: '2026-11-20T10:09:00Z', window_ends_at: '2026-11-20T11:00:00Z' }),
    ];
    expect(sorted('due', cards)).toEqual(['ends', 'early', 'late', 'idle']);
  });

  test('newest and oldest are each other turned round', () => {
    const cards = [card('a'), card('b'), card('c')];
    expect(sorted('newest', cards)).toEqual(['c', 'b', 'a']);
    expect(sorted('oldest', cards)).toEqual(['a', 'b', 'c']);
  });
});

describe('a changed card', () => {
  const [a, b] = [
    card('a', { control: waits, waiting_since: '2026-11-20T10:00:00Z' }),
    card('b', { control: waits, waiting_since: '2026-11-20T10:01:00Z' }),
  ];
  const cards = new Map([a, b].map((one) => [one.id, one]));
  const filters = { inbox: null, team: null, stage: null, label: null };
  const wanted = { view: 'queue' as const, filters, sort: 'due' as const, me: 'me', more: false };

  test('comes in where it belongs', () => {
    const c = card('c', { control: waits, waiting_since: '2026-11-20T10:00:30Z' });
    expect(place(['a', 'b'], cards, c, wanted)).toEqual(['a', 'c', 'b']);
  });

  test('leaves a view that no longer holds it', () => {
    expect(place(['a', 'b'], cards, { ...a, control: human('me') }, wanted)).toEqual(['b']);
  });

  // covers: F01
  test('stays out of a list that is narrowed to something else', () => {
    const c = card('c', { control: waits, labels: ['vip'], stage: 'won' });
    const label = (label: string) => place(['a', 'b'], cards, c, { ...wanted, filters: { ...filters, label } });
    expect([label('vip').includes('c'), label('new').includes('c')]).toEqual([true, false]);
    const stage = (stage: string) => place(['a', 'b'], cards, c, { ...wanted, filters: { ...filters, stage } });
    expect([stage('won').includes('c'), stage('lost').includes('c')]).toEqual([true, false]);
  });

  test('does not come in after the last loaded row while more are to be loaded', () => {
    const z = card('z', { control: waits, waiting_since: '2026-11-20T12:00:00Z' });
    expect(place(['a', 'b'], cards, z, { ...wanted, more: true })).toEqual(['a', 'b']);
    expect(place(['a', 'b'], cards, z, wanted)).toEqual(['a', 'b', 'z']);
  });
});
