// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Chat } from '../src/chat';
import type { ClientFrame, ServerFrame } from '../src/wire';
import { agent, bot, items, own, turns, welcome } from './build';

/** The server's end of the line. */
class FakeSocket {
  static made: FakeSocket[] = [];
  frames: ClientFrame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  send(frame: string) {
    this.frames.push(JSON.parse(frame) as ClientFrame);
  }
  close() {}
  says(...frames: ServerFrame[]) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }
  ops(op: ClientFrame['op']) {
    return this.frames.filter((frame) => frame.op === op);
  }
}

let requests: Record<string, unknown>[];
let conversation: string | null;
/** The status of each answer; the last one stays. */
let statuses: number[];

beforeEach(() => {
  FakeSocket.made = [];
  requests = [];
  conversation = null;
  statuses = [200];
  localStorage.clear();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('fetch', async (_: string, init: { body: string }) => {
    requests.push(JSON.parse(init.body) as never);
    const status = statuses.length > 1 ? statuses.shift()! : statuses[0]!;
    return {
      ok: status === 200,
      status,
      json: async () => ({
        token: 'token-1',
        ticket: `ticket-${requests.length}`,
        conversation,
        contact: { id: 'v', name: null },
        language: 'es',
        inbox: { id: 'shop', name: 'Faro', bot: { id: 'b', name: 'Marina' } },
        limits: { text: 100, attachment_bytes: 2 << 20 },
      }),
    };
  });
});
afterEach(() => vi.unstubAllGlobals());

const make = () => new Chat({ host: 'https://chat.example', inbox: 'shop', lang: 'es' });
const line = async (nth = 0) => {
  await vi.waitFor(() => expect(FakeSocket.made.length).toBeGreaterThan(nth));
  const socket = FakeSocket.made[nth]!;
  socket.onopen?.();
  return socket;
};

// covers: V01
describe('a page that is only looked at', () => {
  test('asks nothing of the server for a new face', async () => {
    await make().resume();
    expect(requests).toEqual([]);
  });
  test('opens a line for somebody who has a conversation, and counts what they missed', async () => {
    localStorage.setItem('relevo.shop.token', 'token-1');
    localStorage.setItem('relevo.shop.contact', 'v');
    localStorage.setItem('relevo.shop.read', '2');
    conversation = 'c';
    const chat = make();
    const unread: unknown[] = [];
    chat.listen((name, value) => name === 'unread' && unread.push(value));
    await chat.resume();
    const socket = await line();
    expect(requests[0]).toMatchObject({ inbox: 'shop', token: 'token-1' });
    expect(socket.url).toBe('wss://chat.example/ws/visitor?ticket=ticket-1');
    expect(socket.frames.map((frame) => frame.op)).toEqual(['hello', 'page']);
    expect(socket.frames[0]).toEqual({ op: 'hello', after: 0 });
    socket.says(welcome(), items(bot(2, 'old'), agent(3, 'new')));
    expect(unread.at(-1)).toBe(1);
    expect(socket.ops('received')).toEqual([{ op: 'received', up_to: 3 }]);
    expect(socket.ops('read')).toEqual([]);
    chat.show();
    expect(socket.ops('read')).toEqual([{ op: 'read', up_to: 3 }]);
    expect(unread.at(-1)).toBe(0);
  });
  test('opens none for a known face without a conversation', async () => {
    localStorage.setItem('relevo.shop.token', 'token-1');
    await make().resume();
    expect(FakeSocket.made).toEqual([]);
  });
});

test('receipts are said again on the next line: the last may have gone down with the old one', async () => {
  const chat = make();
  chat.show();
  const socket = await line();
  socket.says(welcome(), items(agent(3, 'new')));
  expect(socket.ops('read')).toEqual([{ op: 'read', up_to: 3 }]);
  socket.onclose?.({ code: 4008 });
  const next = await line(1);
  next.says(welcome());
  expect(next.ops('received')).toEqual([{ op: 'received', up_to: 3 }]);
  expect(next.ops('read')).toEqual([{ op: 'read', up_to: 3 }]);
});

test('a page is told when it changed its address, once, and without the fragment', async () => {
  const chat = make();
  chat.show();
  const socket = await line();
  socket.says(welcome());
  vi.useFakeTimers();
  const goes = (to: string) => {
    history.pushState(null, '', to);
    dispatchEvent(new Event('popstate'));
    vi.advanceTimersByTime(300);
  };
  goes('/lamps#secret');
  goes('/lamps#other');
  vi.useRealTimers();
  const told = socket.ops('page').slice(1) as { url: string }[];
  expect(told.map((page) => new URL(page.url))).toEqual([new URL('/lamps', location.href)]);
  history.replaceState(null, '', '/');
});

describe('what is written', () => {
  test('waits for the welcome, goes out again after a break, and is drawn once', async () => {
    const chat = make();
    chat.show();
    chat.say('one');
    chat.say('two');
    const socket = await line();
    expect(socket.ops('say')).toEqual([]);
    socket.says(welcome({ conversation: null }));
    const said = (on: FakeSocket, n: number) => on.ops('say')[n] as { client_id: string; text: string };
    const one = said(socket, 0);
    socket.says({ op: 'ack', client_id: one.client_id, seq: 1, message_id: 'm1' });
    const two = said(socket, 1);
    expect([one.text, two.text]).toEqual(['one', 'two']);
    socket.onclose?.({ code: 4008 });
    const next = await line(1);
    chat.say('three');
    // The first one was acknowledged but its item had not come: continue after what has.
    expect(next.ops('hello')).toEqual([{ op: 'hello', after: 0 }]);
    next.says(welcome({ conversation: 'c' }), items(own(1, 'one', one.client_id)));
    expect(said(next, 0)).toEqual(two);
    next.says(items(own(2, 'two', two.client_id)));
    expect(said(next, 1).text).toBe('three');
    next.says(items(own(3, 'three', said(next, 1).client_id)));
    expect(chat.state.items.map((item) => item.seq)).toEqual([1, 2, 3]);
    expect(chat.state.pending).toEqual([]);
  });

  test('and refused stays with its reason until it is sent again', async () => {
    const chat = make();
    chat.show();
    const socket = await line();
    socket.says(welcome({ conversation: null }));
    chat.say('hi', 'payload');
    const { client_id } = socket.ops('say')[0] as { client_id: string };
    socket.says({ op: 'refused', client_id, code: 'too_long', detail: 'shorten it' });
    expect(chat.state.pending[0]!.refused?.code).toBe('too_long');
    chat.retry(client_id);
    expect(socket.ops('say')).toEqual(Array(2).fill({ op: 'say', client_id, text: 'hi', payload: 'payload' }));
  });
});

// covers: H05
describe('a file', () => {
  const uploads: FakeUpload[] = [];
  class FakeUpload {
    upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
    status = 0;
    response: unknown = null;
    onloadend = () => {};
    asked: unknown[] = [];
    open(...asked: unknown[]) {
      this.asked = asked;
    }
    setRequestHeader(...header: unknown[]) {
      this.asked.push(...header);
    }
    send() {
      uploads.push(this);
    }
    ends(status: number, response: unknown) {
      Object.assign(this, { status, response });
      this.onloadend();
    }
  }
  beforeEach(() => {
    uploads.length = 0;
    vi.stubGlobal('XMLHttpRequest', FakeUpload);
  });

  test('leaves at once with its token, and is named by the message that carries it', async () => {
    const chat = make();
    chat.show();
    const socket = await line();
    socket.says(welcome());
    chat.attach([new File(['x'], 'roto é.png')]);
    expect(uploads[0]!.asked).toEqual([
      'POST',
      'https://chat.example/widget/files?name=roto%20%C3%A9.png',
      'authorization',
      'Bearer token-1',
    ]);
    uploads[0]!.upload.onprogress!({ loaded: 1, total: 4 });
    expect(chat.files[0]!.share).toBe(0.25);
    uploads[0]!.ends(201, { id: 'f1', name: 'roto é.png', type: 'image/png', size: 1, inline: true });
    await vi.waitFor(() => expect(chat.files[0]!.there).toBeTruthy());
    chat.write(' mira ');
    chat.submit();
    expect(socket.ops('say')[0]).toMatchObject({ text: 'mira', attachments: ['f1'] });
    expect([chat.files, chat.written]).toEqual([[], '']);
  });

  test('that the server refuses says why, and one that is too large does not leave', async () => {
    const chat = make();
    chat.show();
    (await line()).says(welcome());
    chat.attach([new File([], 'vacío.txt'), new File(['x'.repeat((2 << 20) + 1)], 'película.mp4')]);
    expect(uploads).toHaveLength(1);
    uploads[0]!.ends(422, { detail: 'the file is empty' });
    await vi.waitFor(() => expect(chat.files.map((file) => file.problem)).toEqual(['the file is empty', '> 2 MB']));
    chat.detach(chat.files[0]!);
    expect(chat.files.map((file) => file.name)).toEqual(['película.mp4']);
  });
});

test('what came too fast, a wish too, is said again by itself after the pause that the server names', async () => {
  const chat = make();
  chat.show();
  const socket = await line();
  socket.says(welcome());
  vi.useFakeTimers();
  chat.askForPerson();
  chat.say('hi');
  const { client_id } = socket.ops('human')[0] as { client_id: string };
  socket.says({ op: 'refused', client_id, code: 'rate_limited', detail: 'wait', retry_after_ms: 4000 });
  expect(chat.asking).toBe(true);
  vi.advanceTimersByTime(4000);
  expect(socket.ops('human')).toHaveLength(2);
  expect(socket.ops('say')).toEqual([]);
  vi.useRealTimers();
});

test('the wish to talk to a person is said once, and is granted by the queue', async () => {
  const chat = make();
  chat.show();
  const socket = await line();
  socket.says(welcome());
  chat.askForPerson();
  chat.askForPerson();
  expect(socket.ops('human')).toHaveLength(1);
  expect(chat.asking).toBe(true);
  socket.says(items(turns(2, 'queue')));
  expect(chat.asking).toBe(false);
});

// covers: H05
test('the wish may be the first thing of all', async () => {
  const chat = make();
  chat.show();
  const socket = await line();
  socket.says(welcome({ conversation: null }));
  chat.askForPerson();
  expect(socket.ops('say')).toEqual([]);
  const { client_id } = socket.ops('human')[0] as { client_id: string };
  socket.says({ op: 'ack', client_id, seq: 2, message_id: null }, items(turns(2, 'queue')));
  expect([chat.asking, chat.state.who, chat.state.pending]).toEqual([false, 'queue', []]);
});

test('a new token for the same person keeps what they have read', async () => {
  localStorage.setItem('relevo.shop.token', 'older');
  localStorage.setItem('relevo.shop.contact', 'v');
  localStorage.setItem('relevo.shop.read', '7');
  await make().resume();
  expect(localStorage.getItem('relevo.shop.token')).toBe('token-1');
  expect(localStorage.getItem('relevo.shop.read')).toBe('7');
});

test('a page that may not chat is told so and does not ask again', async () => {
  statuses = [403];
  const chat = make();
  chat.show();
  await vi.waitFor(() => expect(chat.state.line).toBe('refused'));
  expect(requests).toHaveLength(1);
});

test('a page that came at a bad moment asks again', async () => {
  statuses = [429, 200];
  const chat = make();
  vi.useFakeTimers();
  chat.show();
  await vi.advanceTimersByTimeAsync(1000);
  vi.useRealTimers();
  expect([requests.length, chat.state.line]).toEqual([2, 'connecting']);
});

test('a token that the server has forgotten makes a new visitor', async () => {
  localStorage.setItem('relevo.shop.token', 'old');
  localStorage.setItem('relevo.shop.read', '40');
  statuses = [401, 200];
  await make().resume();
  expect(requests.map((request) => request.token)).toEqual(['old', undefined]);
  expect(localStorage.getItem('relevo.shop.token')).toBe('token-1');
  expect(localStorage.getItem('relevo.shop.read')).toBeNull();
});
