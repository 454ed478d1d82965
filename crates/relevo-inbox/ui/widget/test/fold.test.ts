import { describe, expect, test } from 'vitest';
import { fold, newest, unread } from '../src/fold';
import type { ServerFrame } from '../src/wire';
import { after, agent, bot, items, own, seen, turns, waiting, welcome } from './build';

const partial = (text: string | null, turn = 't'): ServerFrame => ({ op: 'partial', turn, text });
const seqs = (...frames: ServerFrame[]) => after(...frames).items.map((item) => item.seq);

// covers: V01 T01
describe('items', () => {
  test('that come again, or late, stay one timeline in its order', () =>
    expect(seqs(items(own(1, 'a'), bot(3, 'b')), items(bot(3, 'b'), agent(2, 'x')), items(own(4, 'c')))).toEqual([
      1, 2, 3, 4,
    ]));

  test('move the number that is resumed from, an acknowledgement does not', () => {
    const state = fold(
      { ...after(items(own(1, 'a'))), pending: [waiting('c9', 'hi')] },
      {
        op: 'ack',
        client_id: 'c9',
        seq: 9,
        message_id: 'm9',
      },
    );
    // Between 1 and 9 something may still be on its way: `hello` must ask for it.
    expect([state.last, state.items.map((item) => item.seq)]).toEqual([1, [1, 9]]);
    expect(fold(state, items(own(9, 'hi', 'c9'))).items).toHaveLength(2);
  });

  test('an acknowledged wish to talk to a person draws no message', () =>
    expect(
      fold(
        { ...after(), pending: [{ client_id: 'h', at: 0, body: { op: 'human' } }] },
        {
          op: 'ack',
          client_id: 'h',
          seq: 2,
          message_id: null,
        },
      ).items,
    ).toEqual([]));
});

describe('who answers', () => {
  test('follows the facts', () => {
    const state = after(welcome(), items(turns(2, 'queue')), { op: 'queue', position: 3 });
    expect([state.who, state.position]).toEqual(['queue', 3]);
    const human = fold(state, items(turns(3, 'human', 'Lucía')));
    expect([human.who, human.name, human.position]).toEqual(['human', 'Lucía', null]);
  });
});

describe('a reply being written', () => {
  test('grows, and goes when it is withdrawn', () => {
    expect(after(welcome(), partial('Ho'), partial('Hola')).partial?.text).toBe('Hola');
    expect(after(welcome(), partial('Ho'), partial(null)).partial).toBeNull();
    expect(after(welcome(), partial('Ho', 'u'), partial(null, 't')).partial?.turn).toBe('u');
  });
  test('goes when the real message lands', () =>
    expect(after(welcome(), partial('Ho'), items(bot(2, 'Hola'))).partial).toBeNull());
  test('stays while the visitor writes on', () =>
    expect(after(welcome(), partial('Ho'), items(own(2, 'x'))).partial).not.toBeNull());
  // covers: H01
  test('goes when a human takes over, and what a stopped bot still says is not shown', () => {
    const taken = after(welcome(), partial('Ho'), items(turns(2, 'human', 'Lucía')));
    expect(taken.partial).toBeNull();
    expect(fold(taken, partial('Hola')).partial).toBeNull();
  });
  test('does not survive a broken line', () => expect(after(welcome(), partial('Ho'), welcome()).partial).toBeNull());
});

test('typing ends by the word of whoever began it, or with the message', () => {
  const typing = after(welcome(), { op: 'typing', on: true, who: 'human' });
  expect(typing.typing).toBe('human');
  expect(fold(typing, { op: 'typing', on: false, who: 'bot' }).typing).toBe('human');
  expect(fold(typing, { op: 'typing', on: false, who: 'human' }).typing).toBeNull();
  expect(fold(typing, items(agent(2, 'x'))).typing).toBeNull();
});

test('only the other side’s messages past the reading mark are unread', () => {
  const state = after(items(own(1, 'a'), bot(2, 'b'), turns(3, 'human', 'L'), agent(4, 'c'), own(5, 'd')));
  expect(unread(state)).toBe(2);
  expect(unread({ ...state, read: 2 })).toBe(1);
  expect(newest(state)).toBe(4);
});

test('seen never goes back', () => expect(after(items(seen(5, 4), seen(6, 2))).seen).toBe(4));

test('another conversation starts from nothing but keeps what waits to be sent', () => {
  const state = fold(
    { ...after(welcome(), items(bot(1, 'a'))), pending: [waiting('w', 'hi')] },
    welcome({ conversation: 'd' }),
  );
  expect([state.items, state.last, state.pending.length, state.line]).toEqual([[], 0, 1, 'open']);
});

test('a frame from a newer server changes nothing', () => {
  const state = after(welcome());
  expect(fold(state, { op: 'survey' } as never)).toBe(state);
  expect(fold(state, items({ seq: 7, at: '', kind: 'new' } as never)).last).toBe(7);
});

describe('a removed message', () => {
  test('says nothing any more', () => {
    const said = items(own(1, 'a'), bot(2, 'my key is 77'));
    const [, second] = after(said).items;
    const message = second?.kind === 'message' ? second.message.id : '';
    const state = after(said, { op: 'items', items: [{ seq: 3, at: second!.at, kind: 'removed', message }] });
    expect(state.items.map((one) => (one.kind === 'message' ? one.message.text : one.kind))).toEqual([
      'a',
      '',
      'removed',
    ]);
  });
});
