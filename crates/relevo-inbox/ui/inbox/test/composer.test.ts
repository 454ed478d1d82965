import { describe, expect, test, vi } from 'vitest';
import { at, bar, holes, length, mark, part, replace, restored, slash } from '../src/composer/rules';
import { typist } from '../src/composer/typing';
import type { Card } from '../src/lib/wire';
import { fit } from '../src/store/library.svelte';

const card = (more: Partial<Card> = {}) =>
  ({
    status: 'open',
    control: { holder: { kind: 'human', agent: 'me' }, epoch: 3 },
    participants: [],
    ...more,
  }) as Card;
const rui = { holder: { kind: 'human' as const, agent: 'rui' }, epoch: 3 };

describe('who may write', () => {
  test('the holder, and anybody while a bot or the queue holds', () => {
    expect(bar(card(), 'me', 'reply')).toBeNull();
    expect(bar(card({ control: { holder: { kind: 'bot', bot: 'mia' }, epoch: 1 } }), 'me', 'reply')).toBeNull();
  });
  test('not while somebody else holds, unless joined', () => {
    expect(bar(card({ control: rui }), 'me', 'reply')).toBe('held');
    expect(bar(card({ control: rui, participants: ['me'] }), 'me', 'reply')).toBeNull();
  });
  test('not into a closed conversation', () => expect(bar(card({ status: 'closed' }), 'me', 'reply')).toBe('closed'));
  test('a note always', () => expect(bar(card({ status: 'closed', control: rui }), 'me', 'note')).toBeNull());
});

describe('what is typed', () => {
  test('a slash that begins a word asks for shortcuts', () => {
    expect(slash('/sal', 4)).toEqual({ start: 0, typed: 'sal' });
    expect(slash('Hola /', 6)).toEqual({ start: 5, typed: '' });
    expect(slash('uno\n/dos tres', 8)).toEqual({ start: 4, typed: 'dos' });
  });
  test('a slash within a word or an address does not', () => {
    expect(slash('y/o', 3)).toBeNull();
    expect(slash('https://', 8)).toBeNull();
  });
  test('an at sign asks for people, an address does not', () => {
    expect(at('@lu', 3)).toEqual({ start: 0, typed: 'lu' });
    expect(at('ana@casa', 8)).toBeNull();
  });
  test('replacing gives the new caret', () => {
    expect(replace('Hola /sal y', 5, 9, 'Saludos')).toEqual({ text: 'Hola Saludos y', caret: 12 });
  });
  test('characters are counted as people see them, as the server does', () => expect(length('a😀é')).toBe(3));
  test('open values are found', () =>
    expect(holes('Hola {{contact.name}}, {{ inputs.order }}')).toEqual(['contact.name', 'inputs.order']));
  test('a mark goes around the selection and away again', () => {
    const bold = mark('hola mundo', 5, 10, '**');
    expect(bold).toEqual({ text: 'hola **mundo**', from: 7, to: 12 });
    expect(mark(bold.text, bold.from, bold.to, '**')).toEqual({ text: 'hola mundo', from: 5, to: 10 });
  });
  test('what is rewritten is the selection, or all of it, without the space around it', () => {
    expect(part('  hola mundo ', 0, 0)).toEqual({ from: 2, draft: 'hola mundo' });
    expect(part('hola mundo cruel', 4, 11)).toEqual({ from: 5, draft: 'mundo' });
    expect(part('hola   mundo', 5, 6)).toEqual({ from: 0, draft: 'hola   mundo' });
  });
  test('a rewriting is taken back, and what was written around it since stays', () => {
    const done = { before: 'hola ana', after: 'Hola, Ana.', draft: 'hola ana', words: 'Hola, Ana.' };
    expect(restored('Hola, Ana.', done)).toBe('hola ana');
    expect(restored('Hola, Ana. Sale hoy.', done)).toBe('hola ana Sale hoy.');
    expect(restored('Buenas.', done)).toBe('hola ana');
  });
});

test('finding a shortcut: the name first, then the title, accents do not matter', () => {
  const scores = ['pedido', 'ped', 'número', 'numero', 'zzz'].map((typed) => fit(typed, 'pedido', 'Pedir número'));
  expect(scores[0]).toBe(100);
  expect(scores[2]).toBe(scores[3]);
  expect(scores[2]!).toBeGreaterThan(0);
  expect(scores[4]).toBe(0);
});

test('typing is told once, again only after three seconds, and ends by itself', () => {
  vi.useFakeTimers();
  const told: boolean[] = [];
  const typing = typist((on) => told.push(on));
  typing.touch();
  typing.touch();
  expect(told).toEqual([true]);
  vi.advanceTimersByTime(3100);
  typing.touch();
  expect(told).toEqual([true, true]);
  vi.advanceTimersByTime(4000);
  expect(told).toEqual([true, true, false]);
  typing.stop();
  expect(told.length).toBe(3);
  vi.useRealTimers();
});
