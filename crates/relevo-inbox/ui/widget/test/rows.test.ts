import { describe, expect, test } from 'vitest';
import { rows, type Row } from '../src/rows';
import { after, agent, bot, items, own, seen, turns, waiting, welcome } from './build';

type MessageRow = Extract<Row, { kind: 'message' }>;
const messages = (state: Parameters<typeof rows>[0]) =>
  rows(state, 'Marina').filter((row): row is MessageRow => row.kind === 'message');

// covers: T01 V01
describe('the timeline', () => {
  test('marks every change of who answers, once', () => {
    const state = after(
      items(
        own(1, 'a'),
        turns(2, 'bot', 'Marina'),
        turns(3, 'queue'),
        turns(4, 'queue'),
        turns(5, 'human', 'Lucía'),
        turns(6, 'human', 'Lucía'),
        turns(7, 'human', 'Rui'),
        turns(8, 'bot', 'Marina'),
      ),
    );
    const marks = rows(state, 'Marina').flatMap((row) =>
      row.kind === 'milestone' ? [`${row.who} ${row.name ?? ''}`] : [],
    );
    expect(marks).toEqual(['bot Marina', 'queue ', 'human Lucía', 'human Rui', 'bot Marina']);
  });

  test('names who speaks by who answers at that moment', () =>
    expect(
      messages(
        after(items(bot(1, 'a'), turns(2, 'human', 'Lucía'), agent(3, 'b'), turns(4, 'bot', 'Otto'), bot(5, 'c'))),
      ).map((row) => row.name),
    ).toEqual(['Marina', 'Lucía', 'Otto']));

  test('groups one speaker within three minutes', () =>
    expect(
      messages(after(items(bot(1, 'a', [], 0), bot(2, 'b', [], 2), bot(3, 'c', [], 6), own(4, 'd', 'x', 6)))).map(
        (row) => [row.first, row.end],
      ),
    ).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]));

  test('what waits stands at the end, and keeps its key when it becomes a fact', () => {
    const state = { ...after(items(bot(1, 'a'))), pending: [waiting('w', 'hi')] };
    const before = messages(state).at(-1)!;
    expect([before.key, before.mood, before.seq]).toEqual(['w', 'sending', null]);
    const sent = messages({ ...after(items(bot(1, 'a'), own(2, 'hi', 'w'))), pending: state.pending });
    expect(sent.map((row) => row.key)).toEqual(['m1', 'w']);
    expect(messages({ ...state, line: 'offline' }).at(-1)!.mood).toBe('waiting');
  });
});

test('"seen" and "sent" are said once each, under the last message they are true for', () => {
  const state = after(items(own(1, 'a'), own(2, 'b'), own(3, 'c'), own(4, 'd'), seen(5, 2)));
  expect(messages(state).map((row) => row.mood)).toEqual([null, 'seen', null, 'sent']);
  expect(messages(after(items(own(1, 'a'), own(2, 'b'), seen(3, 2)))).map((row) => row.mood)).toEqual([null, 'seen']);
});

describe('quick replies', () => {
  const asked = bot(1, 'Which?', [{ title: 'Red', payload: 'r' }]);
  const chosen = (state: Parameters<typeof rows>[0]) => messages(state)[0]!.chosen;

  test('may be pressed until something is said', () => {
    expect(chosen(after(items(asked)))).toBeNull();
    expect(chosen(after(items(asked, bot(2, 'Take your time'))))).toBeNull();
    expect(chosen(after(items(asked, own(2, 'Red'))))).toBe('Red');
  });
  test('are spent at once when pressed offline', () =>
    expect(chosen({ ...after(items(asked)), pending: [waiting('w', 'Red')] })).toBe('Red'));
  test('are spent when somebody else answers', () =>
    expect(chosen(after(welcome(), items(asked, turns(2, 'human', 'Lucía'))))).toBe(''));
});
