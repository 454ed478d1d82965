import { describe, expect, test } from 'vitest';
import { calls, unreadOf } from '../src/store/notices.svelte';
import { card } from './page';

const said = (seq: number, actor: 'visitor' | 'system' = 'visitor') => ({
  ...card().last!,
  seq,
  actor: { kind: actor },
});

describe('an agent is called', () => {
  const before = card({ unread: 0, last: said(4) });

  test('when their visitor wrote', () => {
    expect(calls(before, card(), 'me')).toBe(true);
    expect(calls(undefined, card(), 'me')).toBe(true);
  });

  test('once for each message, not for a label on the same row', () => {
    expect(calls(card(), card({ labels: ['refund'], position: 11 }), 'me')).toBe(false);
    expect(calls(card(), card({ unread: 2, last: said(6) }), 'me')).toBe(true);
  });

  test('not when the conversation is with somebody else, closed, or the words are not the visitor’s', () => {
    expect(calls(before, card(), 'another')).toBe(false);
    expect(calls(before, card({ control: { holder: { kind: 'bot', bot: 'b' }, epoch: 1 } }), 'me')).toBe(false);
    expect(calls(before, card({ status: 'closed' }), 'me')).toBe(false);
    expect(calls(before, card({ last: said(5, 'system') }), 'me')).toBe(false);
  });
});

test('the title counts my unread conversations only', () => {
  const theirs = card({ id: 'c2', control: { holder: { kind: 'human', agent: 'another' }, epoch: 1 } });
  expect(unreadOf([card(), card({ id: 'c3', unread: 0 }), theirs, card({ id: 'c4', status: 'closed' })], 'me')).toBe(1);
});
