/** Close codes with a meaning of their own (docs/protocol.md). */
export const CLOSE = { ticket: 4001, denied: 4003, resume: 4008, restart: 1012 } as const;

/**
 * `connecting`: a ticket is being fetched or the socket opens · `open` · `waiting`: the next try is planned ·
 * `offline`: the browser says that there is no network · `closed`: for good.
 */
export type SocketState = 'connecting' | 'open' | 'waiting' | 'offline' | 'closed';

/** Why the socket will not come back by itself. `code` is the socket's close code, or 4003 for a refused ticket. */
export interface Closed {
  code: number;
  error?: unknown;
}

/** Throw it from `url()` when asking again is pointless (signed out, unknown inbox). */
export class Refused extends Error {
  override name = 'Refused';
}

export interface SocketOptions<In> {
  /** Fetches a fresh single-use ticket and gives the address to open. Called before every try. */
  url: () => Promise<string>;
  /** The line is up: say hello with your last numbers. */
  onOpen?: () => void;
  onFrame: (frame: In) => void;
  /** `attempt` counts failed tries in a row; `wait` is the pause in ms before the next one. */
  onState?: (state: SocketState, about: { attempt: number; wait: number }) => void;
  /** The socket gave up: signed out, no longer allowed, or `close()` was called (code 1000). */
  onClose?: (closed: Closed) => void;
}

export interface Socket<Out> {
  readonly state: SocketState;
  /** False when the line is down; nothing is kept here, that is the outbox's work. */
  send: (frame: Out) => boolean;
  /** Drops the present line and tries again at once ("Retry now", or an answer that is overdue). */
  reconnect: () => void;
  close: () => void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 20_000;

export function createSocket<In = unknown, Out = unknown>(options: SocketOptions<In>): Socket<Out> {
  let state: SocketState = 'connecting';
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let ticketsRefused = 0;
  // Counts tries, so that a slow ticket of an abandoned try cannot open a second line.
  let generation = 0;

  const tell = (next: SocketState, wait = 0) => {
    state = next;
    options.onState?.(next, { attempt, wait });
  };

  const drop = () => {
    generation += 1;
    clearTimeout(timer);
    const old = socket;
    socket = null;
    if (old) {
      old.onopen = old.onmessage = old.onclose = old.onerror = null;
      old.close();
    }
  };

  const connect = async () => {
    drop();
    const mine = generation;
    tell('connecting');
    let address: string;
    try {
      address = await options.url();
    } catch (error) {
      if (mine !== generation) return;
      if (error instanceof Refused) finish({ code: CLOSE.denied, error });
      else retryLater();
      return;
    }
    if (mine !== generation) return;
    const opened = new WebSocket(address);
    socket = opened;
    opened.onopen = () => {
      tell('open');
      options.onOpen?.();
    };
    opened.onmessage = (event: MessageEvent) => {
      // The first frame, not the open handshake, proves that the server took the ticket.
      attempt = 0;
      ticketsRefused = 0;
      let frame: In;
      try {
        frame = JSON.parse(String(event.data)) as In;
      } catch {
        return;
      }
      options.onFrame(frame);
    };
    opened.onclose = (event: CloseEvent) => {
      socket = null;
      if (event.code === CLOSE.denied) finish({ code: event.code });
      else if (event.code === CLOSE.ticket) {
        // One ticket may have grown old on a slow line; two fresh ones refused in a row mean it.
        ticketsRefused += 1;
        if (ticketsRefused > 1) finish({ code: event.code });
        else void connect();
      } else if (event.code === CLOSE.resume && attempt === 0) {
        attempt += 1;
        void connect();
      } else retryLater();
    };
  };

  const retryLater = () => {
    drop();
    if (navigator.onLine === false) {
      tell('offline');
      return;
    }
    // Full jitter over the upper half: a restarted server is not met by everybody at once.
    const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt);
    const wait = Math.round(ceiling / 2 + (Math.random() * ceiling) / 2);
    attempt += 1;
    tell('waiting', wait);
    timer = setTimeout(() => void connect(), wait);
  };

  const finish = (closed: Closed) => {
    if (state === 'closed') return;
    drop();
    removeEventListener('online', onOnline);
    removeEventListener('offline', onOffline);
    removeEventListener('pageshow', onOnline);
    document.removeEventListener('visibilitychange', onVisible);
    tell('closed');
    options.onClose?.(closed);
  };

  const onOnline = () => {
    if (state === 'waiting' || state === 'offline') void connect();
  };
  const onOffline = () => {
    // A socket over a dead network stays "open" for minutes; the event is the earliest honest sign.
    drop();
    tell('offline');
  };
  const onVisible = () => {
    if (document.visibilityState === 'visible') onOnline();
  };
  addEventListener('online', onOnline);
  addEventListener('offline', onOffline);
  addEventListener('pageshow', onOnline);
  document.addEventListener('visibilitychange', onVisible);

  void connect();

  return {
    get state() {
      return state;
    },
    send(frame) {
      if (state !== 'open' || !socket) return false;
      socket.send(JSON.stringify(frame));
      return true;
    },
    reconnect() {
      if (state !== 'closed') void connect();
    },
    close: () => finish({ code: 1000 }),
  };
}
