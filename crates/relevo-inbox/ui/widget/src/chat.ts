import { chooseLanguage, type Language } from '@relevo/core/i18n';
import { createOutbox, createSocket, safeStorage, type Outbox, type Socket } from '@relevo/core/socket';
import { download, openSession, pageAddress, upload } from './api';
import type { Config } from './config';
import { fold, newest, nothing, unread, type State } from './fold';
import { watchPages } from './pages';
import type { ClientFrame, Identity, ServerFrame, Session, Upload, Wish } from './wire';

export type Events = {
  open: undefined;
  close: undefined;
  unread: number;
  message: { from: 'bot' | 'human'; text: string };
  state: { who: State['who']; name: string | null };
};

/** A file beside the composer: on its way (`share` of it), there, or refused. */
export interface Attached {
  name: string;
  share: number;
  there?: Upload;
  problem?: string;
}

/** One page's chat: the session, the line, what was said, and what the person does. Knows nothing of how it is drawn. */
export class Chat {
  state: State = nothing;
  open = false;
  /** The line has been broken for longer than a blink. */
  down = false;
  /** What stands in the composer; kept while the panel is closed. */
  written = '';
  /** What goes with it. */
  files: Attached[] = [];
  session: Session | null = null;
  language: Language;
  /** Called after every change. */
  redraw: () => void = () => {};

  #storage = safeStorage();
  #outbox: Outbox<Wish>;
  #socket: Socket<ClientFrame> | null = null;
  #ticket: { value: string; until: number } | null = null;
  #identity: Identity | null = null;
  /** Where the person is, until the server knows it. */
  #page: { url: string; title: string } | null = { url: pageAddress(), title: document.title };
  #read = 0;
  #received = 0;
  #blink = 0;
  #listeners = new Set<(name: keyof Events, value: unknown) => void>();

  constructor(readonly config: Config) {
    this.language = chooseLanguage([config.lang, ...navigator.languages]);
    this.#outbox = createOutbox<Wish>({
      prefix: this.#key('out.'),
      storage: this.#storage,
      send: ({ client_id, body }) => {
        if (body.op === 'human') return this.#send({ ...body, client_id });
        const { files, ...said } = body;
        return this.#send({ ...said, client_id, attachments: files?.map((file) => file.id) });
      },
      onChange: (pending) => this.#set({ ...this.state, pending }),
      onOverdue: () => this.#socket?.reconnect(),
    });
    this.state = {
      ...nothing,
      pending: this.#outbox.entries(),
      read: Number(this.#storage.getItem(this.#key('read'))),
    };
    addEventListener('storage', (event) => this.#otherTab(event.key));
    document.addEventListener('visibilitychange', () => this.#receipts());
    watchPages((url, title) => {
      this.#page = { url, title };
      if (this.#send({ op: 'page', url, title })) this.#page = null;
    });
  }

  /** On page load: whoever already has a conversation hears of it; a new face causes no request at all. */
  async resume(): Promise<void> {
    if (!this.#token) return;
    try {
      const session = await this.#ask();
      if (session.conversation || this.state.pending.length) this.#connect();
    } catch {
      // Opening the chat tries again, and shows what is wrong.
    }
  }

  show(): void {
    if (this.open) return;
    this.open = true;
    this.#connect();
    this.#emit('open', undefined);
    this.#changed();
    this.#receipts();
  }

  hide(): void {
    if (!this.open) return;
    this.open = false;
    this.#emit('close', undefined);
    this.#changed();
  }

  say(text: string, payload?: string): void {
    this.#connect();
    this.#outbox.add({ op: 'say', text, payload });
  }

  /** Says what stands in the composer, with its files. */
  submit(): void {
    this.#connect();
    this.#outbox.add({ op: 'say', text: this.written.trim(), files: this.files.flatMap((file) => file.there ?? []) });
    this.files = [];
    this.write('');
  }

  /** Files leave at once; what is written waits for them. */
  attach(files: Iterable<File>): void {
    for (const file of files) {
      const attached: Attached = { name: file.name, share: 0 };
      this.files.push(attached);
      const change = (change: Partial<Attached>) => {
        Object.assign(attached, change);
        this.#changed();
      };
      const limit = this.session?.limits.attachment_bytes;
      // The server would hang up in the middle.
      if (limit && file.size > limit) attached.problem = `> ${limit >> 20} MB`;
      else
        upload(this.config, this.#token, file, (share) => change({ share })).then(
          (there) => change({ there }),
          ({ message: problem }: Error) => change({ problem }),
        );
    }
    this.#changed();
  }

  detach(file: Attached): void {
    this.files = this.files.filter((other) => other !== file);
    this.#changed();
  }

  /** An address, for this page only, of the `n`th file of the message `seq`. */
  async file(seq: number, n: number): Promise<string> {
    return URL.createObjectURL(await download(this.config, this.#token, seq, n));
  }

  askForPerson(): void {
    this.#connect();
    // Wishing twice is one wish.
    if (!this.asking) this.#outbox.add({ op: 'human' });
  }

  /** Nothing was ever said here. */
  get fresh(): boolean {
    return this.state.conversation === null && !this.state.items.length;
  }

  get asking(): boolean {
    return this.state.pending.some((entry) => entry.body.op === 'human' && !entry.refused);
  }

  write(text: string): void {
    this.written = text;
    this.#changed();
  }

  typing(on: boolean): void {
    this.#send({ op: 'typing', on });
  }

  retry(clientId: string): void {
    this.#outbox.retry(clientId);
  }

  discard(clientId: string): void {
    this.#outbox.discard(clientId);
  }

  reconnect(): void {
    this.#socket?.reconnect();
  }

  /** Says who the visitor is, signed by the host's own server. */
  identify(identity: Identity): void {
    this.#identity = identity;
    this.#ticket = null;
    if (this.#socket) this.#socket.reconnect();
    else void this.resume();
  }

  setLocale(wish: string): void {
    this.language = chooseLanguage([wish, this.language]);
    this.#changed();
  }

  listen(hear: (name: keyof Events, value: unknown) => void): void {
    this.#listeners.add(hear);
  }

  #key(name: string): string {
    return `relevo.${this.config.inbox}.${name}`;
  }

  get #token(): string {
    return this.#storage.getItem(this.#key('token')) ?? '';
  }

  async #ask(): Promise<Session> {
    const token = this.#token || null;
    const session = await openSession(this.config, { token, language: this.language, identity: this.#identity });
    this.#storage.setItem(this.#key('token'), session.token);
    // A token may change for the same person; the contact says who it is.
    const who = this.#key('contact');
    if (token && this.#storage.getItem(who) !== session.contact.id) this.#newVisitor();
    this.#storage.setItem(who, session.contact.id);
    this.#ticket = { value: session.ticket, until: Date.now() + 25_000 };
    this.session = session;
    this.#changed();
    return session;
  }

  /** Another visitor's reading marks and items mean nothing for this one. */
  #newVisitor(): void {
    this.#storage.removeItem(this.#key('read'));
    this.#read = this.#received = 0;
    this.#set({ ...nothing, line: this.state.line, pending: this.state.pending });
  }

  #connect(): void {
    if (this.#socket && this.#socket.state !== 'closed') return;
    this.#socket = createSocket<ServerFrame, ClientFrame>({
      url: async () => {
        if (!this.#ticket || this.#ticket.until < Date.now()) await this.#ask();
        const ticket = this.#ticket?.value ?? '';
        this.#ticket = null;
        return `${this.config.host.replace(/^http/, 'ws')}/ws/visitor?ticket=${encodeURIComponent(ticket)}`;
      },
      onOpen: () => {
        this.#send({ op: 'hello', after: this.state.last });
        if (this.#page) this.#send({ op: 'page', ...this.#page });
        this.#page = null;
      },
      onFrame: (frame) => this.#frame(frame),
      onState: (line) => this.#line(line),
      onClose: ({ code }) => {
        if (code !== 1000) this.#set({ ...this.state, line: 'refused' });
      },
    });
  }

  #line(line: State['line']): void {
    // Until the server's welcome, which flushes.
    this.#outbox.hold();
    if (line === 'closed') this.#whole();
    else if (line !== 'open')
      this.#blink ||= window.setTimeout(() => {
        this.down = true;
        this.#changed();
      }, 3000);
    this.#set({ ...this.state, line, typing: null, partial: null });
  }

  /** Only a server that speaks is a line; a proxy may open and drop it all day. */
  #whole(): void {
    clearTimeout(this.#blink);
    this.#blink = 0;
    this.down = false;
  }

  #frame(frame: ServerFrame): void {
    const before = this.state;
    const after = fold(before, frame);
    if (frame.op === 'welcome') this.#whole();
    this.#set(after);
    if (frame.op === 'welcome') {
      // Receipts of the line that broke may have been lost with it.
      this.#read = this.#received = 0;
      if (before.conversation !== null && before.conversation !== frame.conversation) {
        // `hello` named a number of the old conversation: say it again with the new one's.
        this.#socket?.reconnect();
        return;
      }
      this.#outbox.flush();
    }
    if (frame.op === 'ack') this.#outbox.acked(frame.client_id);
    if (frame.op === 'refused') {
      const entry = this.#outbox.entries().find((one) => one.client_id === frame.client_id);
      if (entry?.body.op === 'human' && !frame.retry_after_ms) this.#outbox.discard(frame.client_id);
      else this.#outbox.refused(frame.client_id, frame);
    }
    if (frame.op === 'items') this.#arrived(frame, before);
    if (after.who !== before.who || after.name !== before.name)
      this.#emit('state', { who: after.who, name: after.name });
    this.#receipts();
  }

  #arrived(frame: Extract<ServerFrame, { op: 'items' }>, before: State): void {
    const waiting = new Set(this.#outbox.entries().map((entry) => entry.client_id));
    for (const item of frame.items) {
      if (item.kind !== 'message') continue;
      const { author, client_id, text } = item.message;
      // Our own message came back as a fact, perhaps before its acknowledgement or through another tab.
      if (author.kind === 'visitor' && client_id && waiting.has(client_id)) this.#outbox.acked(client_id);
      else if (author.kind !== 'visitor' && before.loaded && item.seq > before.last)
        this.#emit('message', { from: author.kind === 'bot' ? 'bot' : 'human', text });
    }
    if (this.state.who !== 'bot')
      for (const entry of this.#outbox.entries()) if (entry.body.op === 'human') this.#outbox.discard(entry.client_id);
  }

  /** "Received" when it arrived here, "read" when it was on a visible screen. */
  #receipts(): void {
    const up_to = newest(this.state);
    if (up_to > this.#received && this.#send({ op: 'received', up_to })) this.#received = up_to;
    if (!this.open || document.visibilityState !== 'visible') return;
    if (up_to > this.state.read) {
      this.#storage.setItem(this.#key('read'), String(up_to));
      this.#set({ ...this.state, read: up_to });
    }
    if (up_to > this.#read && this.#send({ op: 'read', up_to })) this.#read = up_to;
  }

  #otherTab(key: string | null): void {
    if (key === null || key.startsWith(this.#key('out.'))) this.#outbox.reload();
    if (key === this.#key('read'))
      this.#set({ ...this.state, read: Math.max(this.state.read, Number(this.#storage.getItem(key))) });
    // Another tab became somebody: this one follows it.
    if (key === this.#key('contact') && this.#socket && this.#storage.getItem(key) !== this.session?.contact.id) {
      this.#ticket = null;
      this.#newVisitor();
      this.#socket.reconnect();
    }
  }

  #send(frame: ClientFrame): boolean {
    return this.#socket?.send(frame) ?? false;
  }

  #set(next: State): void {
    const had = unread(this.state);
    this.state = next;
    if (unread(next) !== had) this.#emit('unread', unread(next));
    this.#changed();
  }

  #changed(): void {
    this.redraw();
  }

  #emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    for (const hear of this.#listeners) hear(name, value);
  }
}
