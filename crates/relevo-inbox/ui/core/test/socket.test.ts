import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSocket, Refused, type Closed, type SocketState } from '../src/socket';

/** A socket whose other end is the test. */
class FakeSocket {
  static made: FakeSocket[] = [];
  static get last(): FakeSocket {
    return FakeSocket.made.at(-1)!;
  }
  sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  send(frame: string) {
    this.sent.push(frame);
  }
  close() {
    this.closed = true;
  }
  welcome() {
    this.onopen?.();
    this.onmessage?.({ data: '{"op":"welcome"}' });
  }
}

const settled = () => new Promise<void>((done) => queueMicrotask(() => queueMicrotask(() => queueMicrotask(done))));

function start(over: { url?: () => Promise<string>; online?: () => boolean } = {}) {
  const timers: { run: () => void; ms: number }[] = [];
  const states: SocketState[] = [];
  const closed: Closed[] = [];
  const page = new EventTarget();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('setTimeout', (run: () => void, ms: number) => timers.push({ run, ms }));
  vi.stubGlobal('clearTimeout', () => timers.splice(0));
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  vi.stubGlobal('document', new EventTarget());
  vi.stubGlobal('navigator', {
    get onLine() {
      return over.online?.() ?? true;
    },
  });
  vi.spyOn(Math, 'random').mockReturnValue(1);
  let tickets = 0;
  const url = vi.fn(over.url ?? (async () => `ws://x/?ticket=${(tickets += 1)}`));
  const onOpen = vi.fn();
  const onFrame = vi.fn();
  const socket = createSocket({
    url,
    onOpen,
    onFrame,
    onState: (state) => states.push(state),
    onClose: (reason) => closed.push(reason),
  });
  return { socket, timers, states, closed, url, onOpen, onFrame, page };
}

beforeEach(() => {
  FakeSocket.made = [];
});

afterEach(() => void vi.unstubAllGlobals());

describe('a socket', () => {
  test('opens with a fresh ticket every time and hands frames over', async () => {
    const { onFrame, onOpen, timers, socket } = start();
    await settled();
    FakeSocket.last.welcome();
    expect(onOpen).toHaveBeenCalledOnce();
    expect(onFrame).toHaveBeenCalledWith({ op: 'welcome' });
    expect(socket.send({ op: 'hello' })).toBe(true);
    expect(FakeSocket.last.sent).toEqual(['{"op":"hello"}']);
    FakeSocket.last.onclose?.({ code: 1006 });
    expect(socket.send({ op: 'hello' })).toBe(false);
    timers.pop()!.run();
    await settled();
    expect(FakeSocket.made.map((made) => made.url)).toEqual(['ws://x/?ticket=1', 'ws://x/?ticket=2']);
  });

  test('waits longer after every failure, with a ceiling, and starts over once a frame came', async () => {
    const { timers } = start();
    const waits: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      await settled();
      FakeSocket.last.onclose?.({ code: 1006 });
      waits.push(timers[0]!.ms);
      timers.shift()!.run();
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
    await settled();
    FakeSocket.last.welcome();
    FakeSocket.last.onclose?.({ code: 1012 });
    expect(timers[0]!.ms).toBe(500);
  });

  test('a ticket that cannot be fetched is a failure like another', async () => {
    const { timers, closed } = start({ url: () => Promise.reject(new TypeError('network')) });
    await settled();
    expect(timers).toHaveLength(1);
    expect(closed).toEqual([]);
  });

  test('resumes at once when it was too slow, but does not spin', async () => {
    const { timers, url } = start();
    await settled();
    FakeSocket.last.welcome();
    FakeSocket.last.onclose?.({ code: 4008 });
    await settled();
    expect(url).toHaveBeenCalledTimes(2);
    expect(timers).toHaveLength(0);
    FakeSocket.last.onclose?.({ code: 4008 });
    await settled();
    expect(url).toHaveBeenCalledTimes(2);
    expect(timers).toHaveLength(1);
  });

  test('stops when it is no longer allowed', async () => {
    const { closed, timers, socket } = start();
    await settled();
    FakeSocket.last.welcome();
    FakeSocket.last.onclose?.({ code: 4003 });
    expect(closed).toEqual([{ code: 4003 }]);
    expect(timers).toHaveLength(0);
    expect(socket.state).toBe('closed');
  });

  test('one refused ticket is asked for again, two in a row end it', async () => {
    const { closed, url } = start();
    await settled();
    FakeSocket.last.onclose?.({ code: 4001 });
    await settled();
    expect(url).toHaveBeenCalledTimes(2);
    expect(closed).toEqual([]);
    FakeSocket.last.onclose?.({ code: 4001 });
    expect(closed).toEqual([{ code: 4001 }]);
  });

  test('a refused request for a ticket ends it', async () => {
    const { closed } = start({ url: () => Promise.reject(new Refused('signed out')) });
    await settled();
    expect(closed).toMatchObject([{ code: 4003 }]);
  });

  test('a network that comes back is used at once, one that goes is not waited for', async () => {
    let online = true;
    const { page, states, timers, url } = start({ online: () => online });
    await settled();
    FakeSocket.last.welcome();
    const first = FakeSocket.last;
    online = false;
    page.dispatchEvent(new Event('offline'));
    expect(first.closed).toBe(true);
    expect(states.at(-1)).toBe('offline');
    expect(timers).toHaveLength(0);
    online = true;
    page.dispatchEvent(new Event('online'));
    await settled();
    expect(url).toHaveBeenCalledTimes(2);
  });

  test('a slow ticket of an abandoned try opens no second line', async () => {
    const answers: ((url: string) => void)[] = [];
    const { socket } = start({ url: () => new Promise((done) => answers.push(done)) });
    socket.reconnect();
    answers[1]!('ws://new');
    answers[0]!('ws://old');
    await settled();
    expect(FakeSocket.made.map((made) => made.url)).toEqual(['ws://new']);
  });

  test('says nothing more once it was closed', async () => {
    const { socket, closed, page, url } = start();
    await settled();
    socket.close();
    page.dispatchEvent(new Event('online'));
    socket.reconnect();
    expect(closed).toEqual([{ code: 1000 }]);
    expect(url).toHaveBeenCalledTimes(1);
  });
});
