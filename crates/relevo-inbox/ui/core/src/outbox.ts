/** The part of `localStorage` that is used. */
export type StorageLike = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

export interface Refusal {
  code: string;
  detail: string;
  /** Too much at once, not a no: the same is taken after so many ms. */
  retry_after_ms?: number;
}

/** Something that a person sent and the server has not yet acknowledged. */
export interface Entry<T> {
  client_id: string;
  /** When it was written, for the order and for the screen; epoch milliseconds. */
  at: number;
  body: T;
  /** Set when the server said no: kept in place, sent again only when somebody asks for it. */
  refused?: Refusal;
}

export interface OutboxOptions<T> {
  /** Entries live under `<prefix><client_id>`, one key each: two tabs never overwrite each other's queue. */
  prefix: string;
  storage: StorageLike;
  /** Puts one entry on the line; false when the line is down. */
  send: (entry: Entry<T>) => boolean;
  /** Entries of one lane leave one after the other, each once the one before is acknowledged. All, where this is not said. */
  lane?: (body: T) => unknown;
  onChange?: (entries: Entry<T>[]) => void;
  /** An acknowledgement is overdue although the line looks open: drop the line and connect again. */
  onOverdue?: () => void;
}

export interface Outbox<T> {
  /** Keeps it first, then sends it once it is its turn. */
  add: (body: T) => Entry<T>;
  /** The line broke: what is added from now on waits for `flush`, so that it cannot overtake what went down with the line. */
  hold: () => void;
  /** The line is up and said hello: everything not acknowledged goes out again in its order, with its old id. */
  flush: () => void;
  acked: (clientId: string) => Entry<T> | null;
  /** A no waits for the person; what comes too fast is said again by itself, and nothing overtakes it. */
  refused: (clientId: string, refusal: Refusal) => void;
  /** Sends a refused entry again. */
  retry: (clientId: string) => void;
  /** Forgets an entry (the person deleted it). */
  discard: (clientId: string) => unknown;
  entries: () => Entry<T>[];
  /** Another tab changed the storage. */
  reload: () => void;
}

/** An acknowledgement that takes longer than this, in ms, does not come. */
const OVERDUE = 15_000;
/** A longer wait than this, in ms, is a no: nobody should look at "sending" for an hour. */
const PATIENCE = 60_000;

export function createOutbox<T>(options: OutboxOptions<T>): Outbox<T> {
  const { prefix, storage, send } = options;
  let queue = read<T>(storage, prefix);
  // Sent, and neither acknowledged nor refused.
  const flying = new Set<string>();
  let overdue: ReturnType<typeof setTimeout> | undefined;
  let pause: ReturnType<typeof setTimeout> | undefined;
  let held = false;

  const changed = () => options.onChange?.([...queue]);
  const keep = (entry: Entry<T>) => storage.setItem(prefix + entry.client_id, JSON.stringify(entry));
  const find = (id: string) => queue.find((entry) => entry.client_id === id);
  const replace = (entry: Entry<T>, by: Entry<T>) => {
    queue = queue.map((other) => (other === entry ? by : other));
    keep(by);
    changed();
  };

  /** Sends the first of every lane, if it is not on its way. */
  const next = () => {
    const busy = new Set<unknown>();
    for (const entry of queue) {
      const lane = options.lane?.(entry.body);
      if (held || pause || entry.refused || busy.has(lane)) continue;
      busy.add(lane);
      if (flying.has(entry.client_id)) continue;
      if (!send(entry)) return;
      flying.add(entry.client_id);
      clearTimeout(overdue);
      overdue = setTimeout(() => options.onOverdue?.(), OVERDUE);
    }
  };
  const landed = (id: string) => {
    flying.delete(id);
    clearTimeout(overdue);
  };
  const remove = (id: string) => {
    const entry = find(id) ?? null;
    landed(id);
    queue = queue.filter((other) => other !== entry);
    storage.removeItem(prefix + id);
    changed();
    next();
    return entry;
  };

  return {
    add(body) {
      // Strictly growing, so that the order survives two entries within one millisecond.
      const at = Math.max(Date.now(), (queue.at(-1)?.at ?? 0) + 1);
      const entry: Entry<T> = { client_id: newClientId(), at, body };
      queue = [...queue, entry];
      keep(entry);
      changed();
      next();
      return entry;
    },
    hold() {
      held = true;
    },
    flush() {
      held = false;
      clearTimeout(pause);
      pause = undefined;
      flying.clear();
      next();
    },
    acked: remove,
    refused(id, refusal) {
      const entry = find(id);
      if (!entry) return;
      landed(id);
      if (refusal.retry_after_ms! <= PATIENCE)
        pause ??= setTimeout(() => {
          pause = undefined;
          next();
        }, refusal.retry_after_ms);
      else replace(entry, { ...entry, refused: refusal });
      next();
    },
    retry(id) {
      const entry = find(id);
      if (entry) replace(entry, { ...entry, refused: undefined });
      next();
    },
    discard: remove,
    entries: () => [...queue],
    reload() {
      queue = read<T>(storage, prefix);
      changed();
    },
  };
}

/** An id that no other tab or machine makes; `randomUUID` exists only on secure origins. */
export function newClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `localStorage`, or memory of the same shape where a browser forbids or fills it. */
export function safeStorage(storage?: () => StorageLike): StorageLike {
  const memory = new Map<string, string>();
  let real: StorageLike | null = null;
  try {
    real = storage ? storage() : globalThis.localStorage;
    real.setItem('relevo.probe', '1');
    real.removeItem('relevo.probe');
  } catch {
    real = null;
  }
  const inReal = () => real?.length ?? 0;
  return {
    get length() {
      return inReal() + memory.size;
    },
    key: (n) => (n < inReal() ? (real?.key(n) ?? null) : ([...memory.keys()][n - inReal()] ?? null)),
    getItem: (key) => memory.get(key) ?? real?.getItem(key) ?? null,
    setItem(key, value) {
      try {
        if (!real) throw new Error('no storage');
        real.setItem(key, value);
        memory.delete(key);
      } catch {
        memory.set(key, value);
      }
    },
    removeItem(key) {
      memory.delete(key);
      real?.removeItem(key);
    },
  };
}

function read<T>(storage: StorageLike, prefix: string): Entry<T>[] {
  const found: Entry<T>[] = [];
  for (let n = 0; n < storage.length; n += 1) {
    const key = storage.key(n);
    if (!key?.startsWith(prefix)) continue;
    try {
      found.push(JSON.parse(storage.getItem(key) ?? '') as Entry<T>);
    } catch {
      // Not ours, or cut off by a full disk: it cannot be sent, so it is not an entry.
    }
  }
  return found.sort((a, b) => a.at - b.at || (a.client_id < b.client_id ? -1 : 1));
}
