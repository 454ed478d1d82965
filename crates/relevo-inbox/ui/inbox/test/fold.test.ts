import { describe, expect, test } from 'vitest';
import type { Actor, Delivery, Item } from '../src/lib/wire';
import { append, deliveries, fold, prepend, type Pending } from '../src/store/fold';

const visitor: Actor = { kind: 'visitor' };
const bot: Actor = { kind: 'bot', bot: 'mia' };
const lucia: Actor = { kind: 'agent', agent: 'lucia' };
const queue = {
  holder: { kind: 'queue' as const, team: null, skill: null, since: '2026-11-20T10:00:00.000Z' },
  epoch: 2,
};
const at = (seconds: number) => new Date(Date.parse('2026-11-20T10:00:00.000Z') + seconds * 1000).toISOString();

const says = (
  seq: number,
  author: Actor,
  text: string,
  more: Partial<Item> & { client_id?: string; second?: number } = {},
): Item => {
  const { client_id = null, second = seq, ...rest } = more;
  return {
    seq,
    at: at(second),
    actor: author,
    kind: 'message',
    message: { id: `m${seq}`, author, text, client_id },
    ...rest,
  } as Item;
};
const fact = (seq: number, fields: Record<string, unknown>): Item =>
  ({ seq, at: at(seq), actor: { kind: 'system' }, ...fields }) as unknown as Item;
const kinds = (items: Item[], pending: Pending[] = [], newAfter: number | null = null) =>
  fold(items, pending, newAfter).map((row) => row.kind);

describe('the run of facts', () => {
  test('takes what follows and ignores what it has', () => {
    const one = [says(1, visitor, 'a'), says(2, visitor, 'b')];
    const { items, gap } = append(one, [says(2, visitor, 'b again'), says(3, visitor, 'c')]);
    expect([items.map((item) => item.seq), gap]).toEqual([[1, 2, 3], false]);
    expect(items[1]).toBe(one[1]);
  });

  test('a missing number is a gap, and nothing after it is taken', () => {
    const { items, gap } = append([says(1, visitor, 'a')], [says(2, visitor, 'b'), says(4, visitor, 'd')]);
    expect([items.map((item) => item.seq), gap]).toEqual([[1, 2], true]);
  });

  test('a run may begin in the middle, and an older page goes before it once', () => {
    const { items } = append([], [says(7, visitor, 'g'), says(8, visitor, 'h')]);
    const whole = prepend(items, [says(6, visitor, 'f'), says(7, visitor, 'g')]);
    expect(whole.map((item) => item.seq)).toEqual([6, 7, 8]);
  });

  test('a kind that this page does not know still counts', () => {
    const { items, gap } = append(
      [says(1, visitor, 'a')],
      [fact(2, { kind: 'from_the_future' }), says(3, visitor, 'c')],
    );
    expect([items.length, gap]).toEqual([3, false]);
    expect(kinds(items)).toEqual(['day', 'message', 'message']);
  });
});

describe('deliveries', () => {
  const sent = [
    says(1, visitor, 'hola'),
    says(2, lucia, 'uno'),
    fact(3, { kind: 'delivery', message: 'm2', state: 'sent', reason: null }),
    says(4, lucia, 'dos'),
    fact(5, { kind: 'delivery', message: 'm4', state: 'sent', reason: null }),
  ];

  test('the visitor reading up to a fact marks what was said until then, and no more', () => {
    const states = deliveries([...sent, fact(6, { kind: 'read', reader: 'visitor', up_to: 3 })]);
    expect([states.get('m2')?.state, states.get('m4')?.state]).toEqual(['read', 'sent']);
  });

  test('an agent reading marks nothing', () => {
    expect(deliveries([...sent, fact(6, { kind: 'read', reader: 'agent', up_to: 5 })]).get('m2')?.state).toBe('sent');
  });

  test('a late "delivered" does not take "read" back', () => {
    const states = deliveries([
      ...sent,
      fact(6, { kind: 'read', reader: 'visitor', up_to: 5 }),
      fact(7, { kind: 'delivery', message: 'm2', state: 'delivered', reason: null }),
      fact(8, { kind: 'received', up_to: 5 }),
    ]);
    expect(states.get('m2')?.state).toBe('read');
  });

  test('a failure keeps its reason', () => {
    const states = deliveries([
      ...sent,
      fact(6, { kind: 'delivery', message: 'm4', state: 'failed', reason: 'window closed' }),
    ]);
    expect(states.get('m4')).toMatchObject({ state: 'failed', reason: 'window closed' });
  });

  test('a send that is to be repeated waits again, and later news stand over unknown and failed', () => {
    const states: [Delivery, Delivery][] = [
      ['sending', 'sending'],
      ['queued', 'queued'],
      ['sending', 'sending'],
      ['unknown', 'unknown'],
      ['queued', 'unknown'],
      ['failed', 'failed'],
      ['sent', 'failed'],
      ['delivered', 'delivered'],
      ['failed', 'delivered'],
    ];
    const items: Item[] = [says(1, lucia, 'uno')];
    for (const [told, shown] of states) {
      items.push(fact(items.length + 1, { kind: 'delivery', message: 'm1', state: told, reason: null }));
      expect(deliveries(items).get('m1')?.state).toBe(shown);
    }
  });

  test('what failed or is unknown was not read because something after it was', () => {
    for (const state of ['failed', 'unknown'] as const) {
      const items = [
        says(1, lucia, 'uno'),
        fact(2, { kind: 'delivery', message: 'm1', state, reason: null }),
        fact(3, { kind: 'read', reader: 'visitor', up_to: 2 }),
      ];
      expect(deliveries(items).get('m1')?.state).toBe(state);
    }
  });

  test('messages of the visitor have none', () => {
    expect(deliveries(sent).has('m1')).toBe(false);
  });
});

describe('the timeline', () => {
  test('one author within three minutes is one group', () => {
    const rows = fold([
      says(1, visitor, 'a', { second: 0 }),
      says(2, visitor, 'b', { second: 60 }),
      says(3, bot, 'c', { second: 61 }),
      says(4, visitor, 'd', { second: 62 }),
      says(5, visitor, 'e', { second: 62 + 181 }),
    ]);
    expect(rows.flatMap((row) => (row.kind === 'message' ? [row.head] : []))).toEqual([true, false, true, true, true]);
  });

  test('days are set apart', () => {
    expect(kinds([says(1, visitor, 'a', { second: 0 }), says(2, visitor, 'b', { second: 2 * 86_400 })])).toEqual([
      'day',
      'message',
      'day',
      'message',
    ]);
  });

  test('a reply withheld before it was written is shown as withheld', () => {
    const message = { id: 'x', author: bot, text: 'tarde' };
    expect(kinds([says(1, visitor, 'a'), fact(2, { kind: 'suppressed', what: 'message', message })])).toEqual([
      'day',
      'message',
      'withheld',
    ]);
  });

  test('a reply withheld at its delivery is struck where it stands', () => {
    const rows = fold([
      says(1, bot, 'tarde'),
      fact(2, { kind: 'suppressed', what: 'message', message: { id: 'm1', author: bot, text: 'tarde' } }),
    ]);
    expect(rows.map((row) => row.kind)).toEqual(['day', 'message', 'milestone']);
    expect(rows[1]).toMatchObject({ delivery: 'suppressed' });
  });

  test('the handoff card quotes what the visitor said last', () => {
    const rows = fold([
      says(1, visitor, 'quiero una persona'),
      says(2, bot, 'ok'),
      fact(3, { kind: 'handoff_requested', reason: 'visitor_asked', control: queue }),
    ]);
    expect(rows.at(-1)).toMatchObject({ kind: 'handoff', said: 'quiero una persona' });
  });

  test('pages clicked through in a row are one line', () => {
    const page = (seq: number) => fact(seq, { kind: 'page_visited', url: `/p${seq}`, title: `P${seq}` });
    const rows = fold([page(1), page(2), page(3), says(4, visitor, 'a'), page(5)]);
    expect(rows.map((row) => row.kind)).toEqual(['day', 'milestone', 'message', 'milestone']);
    expect(rows[1]).toMatchObject({ more: [{ seq: 2 }, { seq: 3 }] });
  });

  test('deliveries and reads are no rows', () => {
    expect(
      kinds([
        says(1, lucia, 'a'),
        fact(2, { kind: 'delivery', message: 'm1', state: 'sent' }),
        fact(3, { kind: 'read', reader: 'agent', up_to: 1 }),
      ]),
    ).toEqual(['day', 'message']);
  });

  test('"new messages" stands before the first new one of the visitor', () => {
    expect(kinds([says(1, visitor, 'a'), says(2, bot, 'b'), says(3, visitor, 'c')], [], 1)).toEqual([
      'day',
      'message',
      'message',
      'new',
      'message',
    ]);
  });
});

describe('what is on its way', () => {
  const pending = (client_id: string): Pending => ({
    client_id,
    at: Date.parse(at(9)),
    mode: 'reply',
    text: 'hola',
    refused: null,
    files: [],
  });

  test('is shown until its fact arrives, and never twice', () => {
    expect(kinds([says(1, visitor, 'a')], [pending('c1')])).toEqual(['day', 'message', 'pending']);
    expect(kinds([says(1, visitor, 'a'), says(2, lucia, 'hola', { client_id: 'c1' })], [pending('c1')])).toEqual([
      'day',
      'message',
      'message',
    ]);
  });

  test('a note is matched by its own id too', () => {
    const note = fact(2, { kind: 'note', note: { id: 'n', text: 'hola', client_id: 'c1' } });
    expect(kinds([says(1, visitor, 'a'), note], [{ ...pending('c1'), mode: 'note' }])).toEqual([
      'day',
      'message',
      'note',
    ]);
  });
});

describe('a removed message', () => {
  test('says nothing any more, wherever its facts stand, and draws no line of its own', () => {
    const gone = fact(4, { kind: 'message_removed', message: 'm2', posted: 2 });
    const rows = fold([says(1, visitor, 'a'), says(2, visitor, 'my key is 77'), says(3, lucia, 'b'), gone]);
    expect(rows.filter((row) => row.kind === 'message').map((row) => row.item.message.text)).toEqual(['a', '', 'b']);
    expect(JSON.stringify(rows)).not.toContain('77');
  });
});
