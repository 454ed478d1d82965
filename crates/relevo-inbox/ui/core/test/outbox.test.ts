import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOutbox, safeStorage, type Entry, type StorageLike } from '../src/socket';

type Body = { text: string };

function memory(): StorageLike {
  return safeStorage(() => {
    throw new Error('none');
  });
}

function make(storage = memory(), lane?: (body: Body) => unknown) {
  const line = { up: true, sent: [] as Entry<Body>[] };
  const onOverdue = vi.fn();
  const outbox = createOutbox<Body>({
    prefix: 'o.',
    storage,
    lane,
    send: (entry) => (line.up ? (line.sent.push(entry), true) : false),
    onOverdue,
  });
  const texts = () => line.sent.map((entry) => entry.body.text);
  /** The server takes what is on its way, one after the other. */
  const ackAll = () => {
    for (let n = 0; n < line.sent.length; n += 1) outbox.acked(line.sent[n]!.client_id);
  };
  const ids = () => new Set(line.sent.map((entry) => entry.client_id));
  return { outbox, line, texts, ids, ackAll, storage, onOverdue };
}

beforeEach(() => void vi.useFakeTimers({ now: 1000 }));
afterEach(() => void vi.useRealTimers());

// covers: V01
describe('an outbox', () => {
  test('sends what was written offline in its order, with the ids it was written with', () => {
    const { outbox, line, texts, ids, ackAll } = make();
    line.up = false;
    const written = ['a', 'b', 'c'].map((text) => outbox.add({ text }).client_id);
    expect(texts()).toEqual([]);
    line.up = true;
    outbox.flush();
    expect(texts()).toEqual(['a']);
    ackAll();
    expect(texts()).toEqual(['a', 'b', 'c']);
    expect([...ids()]).toEqual(written);
  });

  test('lets nothing overtake what went down with the line', () => {
    const { outbox, texts, line } = make();
    outbox.add({ text: 'a' });
    outbox.hold();
    // The line is open again, but the server has not said yet where it stands.
    outbox.add({ text: 'b' });
    expect(texts()).toEqual(['a']);
    outbox.flush();
    outbox.add({ text: 'c' });
    expect(texts()).toEqual(['a', 'a']);
    outbox.acked(line.sent[0]!.client_id);
    expect(texts()).toEqual(['a', 'a', 'b']);
  });

  test('lets a lane wait for itself only', () => {
    const { outbox, texts, line } = make(memory(), ({ text }) => text[0]);
    for (const text of ['a1', 'a2', 'b1']) outbox.add({ text });
    expect(texts()).toEqual(['a1', 'b1']);
    outbox.acked(line.sent[0]!.client_id);
    expect(texts()).toEqual(['a1', 'b1', 'a2']);
  });

  test('goes on by itself, in order, when the server wants a pause', () => {
    const { outbox, line } = make();
    line.up = false;
    const written = Array.from({ length: 45 }, (_, n) => String(n));
    for (const text of written) outbox.add({ text });
    line.up = true;
    // The server: twenty within ten seconds.
    const taken: { text: string; at: number }[] = [];
    const serve = () => {
      for (let entry = line.sent.shift(); entry; entry = line.sent.shift()) {
        const recent = taken.filter(({ at }) => at > Date.now() - 10_000);
        if (recent.length < 20) {
          taken.push({ text: entry.body.text, at: Date.now() });
          outbox.acked(entry.client_id);
        } else {
          const retry_after_ms = recent[0]!.at + 10_000 - Date.now();
          outbox.refused(entry.client_id, { code: 'rate_limited', detail: 'wait', retry_after_ms });
        }
      }
    };
    outbox.flush();
    serve();
    expect(taken).toHaveLength(20);
    // What is written meanwhile does not overtake what waits, and a broken line ends no pause early.
    outbox.add({ text: 'last' });
    outbox.hold();
    vi.advanceTimersByTime(10_000);
    serve();
    expect(taken).toHaveLength(20);
    outbox.flush();
    serve();
    vi.advanceTimersByTime(10_000);
    serve();
    expect(taken.map(({ text }) => text)).toEqual([...written, 'last']);
    expect([outbox.entries(), vi.getTimerCount()]).toEqual([[], 0]);
  });

  test('takes a pause of an hour for a no', () => {
    const { outbox } = make();
    const entry = outbox.add({ text: 'a' });
    outbox.refused(entry.client_id, { code: 'rate_limited', detail: 'wait', retry_after_ms: 3_600_000 });
    expect(outbox.entries()[0]!.refused?.code).toBe('rate_limited');
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
    next.ackAll();
    expect(next.texts()).toEqual(['a', 'b']);
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
