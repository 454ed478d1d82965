import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOutbox, safeStorage, type Entry, type StorageLike } from '../src/socket';

type Body = { text: string };

function memory(): StorageLike {
  return safeStorage(() => {
    throw new Error('none');
  });
}

function make(storage = memory()) {
  const line = { up: true, sent: [] as Entry<Body>[] };
  const onOverdue = vi.fn();
  const outbox = createOutbox<Body>({
    prefix: 'o.',
    storage,
    send: (entry) => (line.up ? (line.sent.push(entry), true) : false),
    onOverdue,
  });
  const texts = () => line.sent.map((entry) => entry.body.text);
  const ids = () => new Set(line.sent.map((entry) => entry.client_id));
  return { outbox, line, texts, ids, storage, onOverdue };
}

beforeEach(() => void vi.useFakeTimers({ now: 1000 }));
afterEach(() => void vi.useRealTimers());

// covers: V01
describe('an outbox', () => {
  test('sends what was written offline in its order, with the ids it was written with', () => {
    const { outbox, line, texts, ids } = make();
    line.up = false;
    const written = ['a', 'b', 'c'].map((text) => outbox.add({ text }).client_id);
    expect(texts()).toEqual([]);
    line.up = true;
    outbox.flush();
    expect(texts()).toEqual(['a', 'b', 'c']);
    expect([...ids()]).toEqual(written);
  });

  test('lets nothing overtake what went down with the line', () => {
    const { outbox, texts } = make();
    outbox.add({ text: 'a' });
    outbox.hold();
    // The line is open again, but the server has not said yet where it stands.
    outbox.add({ text: 'b' });
    expect(texts()).toEqual(['a']);
    outbox.flush();
    outbox.add({ text: 'c' });
    expect(texts()).toEqual(['a', 'a', 'b', 'c']);
  });

  test('sends again only what was not acknowledged, under the same ids', () => {
    const { outbox, texts, ids } = make();
    const first = outbox.add({ text: 'a' });
    outbox.add({ text: 'b' });
    outbox.acked(first.client_id);
    outbox.flush();
    outbox.flush();
    expect(texts()).toEqual(['a', 'b', 'b', 'b']);
    expect(ids().size).toBe(2);
  });

  test('survives the page', () => {
    const { storage, outbox, line } = make();
    line.up = false;
    outbox.add({ text: 'a' });
    outbox.add({ text: 'b' });
    const next = make(storage);
    next.outbox.flush();
    expect(next.texts()).toEqual(['a', 'b']);
    for (const entry of next.outbox.entries()) next.outbox.acked(entry.client_id);
    expect(make(storage).outbox.entries()).toEqual([]);
  });

  test('two tabs keep each other’s entries', () => {
    const storage = memory();
    const [one, two] = [make(storage), make(storage)];
    one.outbox.add({ text: 'a' });
    two.outbox.add({ text: 'b' });
    one.outbox.reload();
    expect(
      one.outbox
        .entries()
        .map((entry) => entry.body.text)
        .sort(),
    ).toEqual(['a', 'b']);
    expect(one.texts()).toEqual(['a']);
  });

  test('a refused entry stays, with its reason, and goes out again only when asked', () => {
    const { outbox, texts, ids, storage } = make();
    const entry = outbox.add({ text: 'a' });
    outbox.refused(entry.client_id, { code: 'too_long', detail: 'at most 10' });
    outbox.flush();
    expect(texts()).toEqual(['a']);
    expect(make(storage).outbox.entries()[0]!.refused?.code).toBe('too_long');
    outbox.retry(entry.client_id);
    expect(texts()).toEqual(['a', 'a']);
    expect(ids().size).toBe(1);
    outbox.discard(entry.client_id);
    expect(outbox.entries()).toEqual([]);
  });

  test('notices an acknowledgement that does not come, and rests when all have come', () => {
    const { outbox, onOverdue } = make();
    const entry = outbox.add({ text: 'a' });
    vi.runOnlyPendingTimers();
    expect(onOverdue).toHaveBeenCalledOnce();
    outbox.flush();
    outbox.acked(entry.client_id);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('stops at the first entry that the line does not take', () => {
    const { outbox, line, texts } = make();
    line.up = false;
    outbox.add({ text: 'a' });
    outbox.add({ text: 'b' });
    const send = vi.spyOn(line.sent, 'push');
    outbox.flush();
    expect(send).not.toHaveBeenCalled();
    expect(texts()).toEqual([]);
  });
});

test('a full storage falls back to memory and loses nothing', () => {
  const real = new Map<string, string>();
  const storage = safeStorage(() => ({
    get length() {
      return real.size;
    },
    key: (n) => [...real.keys()][n] ?? null,
    getItem: (key) => real.get(key) ?? null,
    setItem(key, value) {
      if (value.length > 5) throw new Error('quota');
      real.set(key, value);
    },
    removeItem: (key) => void real.delete(key),
  }));
  storage.setItem('a', 'short');
  storage.setItem('b', 'much too long');
  expect([storage.getItem('a'), storage.getItem('b'), storage.length]).toEqual(['short', 'much too long', 2]);
  expect([storage.key(0), storage.key(1)]).toEqual(['a', 'b']);
});
