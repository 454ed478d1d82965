import { untrack } from 'svelte';
import { conversationPath, get, post, remove } from '../lib/api';
import type { Actor, Artifact, Card, ConversationDetail, Item, Mode, Rating, Style, What } from '../lib/wire';
import { append, fold, prepend } from './fold';
import { list } from './list.svelte';
import { outgoing } from './outgoing.svelte';
import { isMe, session } from './session.svelte';

const PAGE = 80;
/** What is meant for the visitor is out of date once they wrote again, as the server has it. */
const FOR_VISITOR = new Set<Artifact['kind']>(['reply', 'rewrite']);
const REFRESHING = new Set<Item['kind']>(['captured', 'contact_updated', 'page_visited', 'joined', 'left']);

/** What the Copilot is asked for. */
export interface Task {
  kind: 'summary' | 'reply' | 'rewrite' | 'ask';
  language?: string;
  draft?: string;
  style?: Style;
  question?: string;
  /** Also where nothing was said since. */
  again?: boolean;
}

export interface Rewritten {
  /** None where it was stopped in the middle. */
  artifact: string | null;
  mode: Mode;
  /** All that was written before and after it. */
  before: string;
  after: string;
  draft: string;
  words: string;
}

/** One conversation: its facts without gaps, and what is known around them. */
export class Thread {
  readonly id: string;
  items = $state.raw<Item[]>([]);
  detail = $state.raw<ConversationDetail | null>(null);
  error = $state.raw<unknown>(null);
  loading = $state(true);
  older = $state(false);
  artifacts = $state.raw<Artifact[]>([]);
  /** Text that a running artifact has so far, and what it is doing. */
  streams = $state.raw<Record<string, { step: string | null; text: string }>>({});
  partial = $state.raw<{ turn: string; text: string } | null>(null);
  typing = $state.raw<Actor[]>([]);
  viewing = $state.raw<string[]>([]);
  /** Where "new messages" stands, fixed when the conversation is opened. */
  newAfter = $state.raw<number | null>(null);
  /** The suggestion that this agent asked for and has not yet used or thrown away. */
  ghost = $state<string | null>(null);
  /** A message that somebody wants to see; the timeline goes there. */
  wanted = $state.raw<{ seq: number } | null>(null);
  /** Words for the composer that were picked elsewhere. */
  offered = $state.raw<{ text: string; mode: Mode; artifact: string } | null>(null);
  /** What the reply came from, told to the server when it is sent. */
  origin: { shortcut?: string; artifact?: string; rewrites?: string[] } = {};
  /** What the rewriting on the screen was asked for: where in the reply it stood. */
  rewriting: { from: number; draft: string; mode: Mode } | null = null;
  /** The last rewriting that went into the text, so that it can be taken back. */
  undo = $state.raw<Rewritten | null>(null);
  /** Set on take-over: the brief is shown over the talk until it is put away. */
  briefing = $state(false);
  /** The kind that the AI summary tab shows; all when null. */
  only = $state<Artifact['kind'] | null>(null);

  #shown = new Set<string>();
  #typists = new Map<string, ReturnType<typeof setTimeout>>();
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #read = 0;

  constructor(id: string) {
    this.id = id;
  }

  get card(): Card | null {
    return list.cards.get(this.id) ?? this.detail?.card ?? null;
  }

  get lastSeq() {
    return this.items.at(-1)?.seq ?? 0;
  }

  get complete() {
    return this.items[0]?.seq === 1;
  }

  rows = $derived.by(() => fold(this.items, outgoing.of(this.id), this.newAfter));
  notes = $derived(this.items.filter((item) => item.kind === 'note'));

  get holding() {
    const holder = this.card?.control.holder;
    return holder?.kind === 'human' && isMe(holder.agent);
  }

  get taking() {
    return this.holding || !!this.card?.participants.includes(session.agent.id);
  }

  /** Everything that the socket does not send by itself. Facts come first: the talk is what people wait for. */
  async load() {
    this.loading = this.items.length === 0;
    this.error = null;
    try {
      const [page, detail] = await Promise.all([
        this.items.length === 0
          ? get<{ items: Item[] }>(conversationPath(this.id, `/items?limit=${PAGE}`))
          : Promise.resolve(null),
        get<ConversationDetail>(conversationPath(this.id)),
      ]);
      this.#know(detail);
      if (page && this.items.length === 0) {
        this.#markNew(page.items, detail.card.unread);
        this.items = page.items;
        this.#arrived(page.items);
      }
    } catch (error) {
      this.error = error;
    }
    this.loading = false;
    void this.loadArtifacts();
  }

  async loadArtifacts() {
    try {
      this.artifacts = await get<Artifact[]>(conversationPath(this.id, '/artifacts'));
    } catch {
      // The tab says that there are none; asking for one names the cause.
    }
  }

  async loadOlder() {
    const first = this.items[0]?.seq;
    if (!first || first === 1 || this.older) return;
    this.older = true;
    try {
      const page = await get<{ items: Item[] }>(conversationPath(this.id, `/items?before=${first}&limit=${PAGE}`));
      this.items = prepend(this.items, page.items);
    } catch {
      // Scrolling up again asks again.
    }
    this.older = false;
  }

  /** Facts from the socket. False says that one is missing. */
  take(incoming: Item[]): boolean {
    const { items, gap } = append(this.items, incoming);
    const fresh = items.slice(this.items.length);
    this.items = items;
    this.#arrived(fresh);
    for (const item of fresh) {
      if (item.kind === 'message' && item.message.author.kind === 'bot') this.partial = null;
      if ('control' in item && item.kind !== 'started') this.partial = null;
      if (REFRESHING.has(item.kind)) this.#refreshSoon();
      if (item.kind === 'message') this.#age(item.message.author.kind === 'visitor');
    }
    return !gap;
  }

  typist(actor: Actor, on: boolean) {
    const key = JSON.stringify(actor);
    clearTimeout(this.#typists.get(key));
    const others = this.typing.filter((other) => JSON.stringify(other) !== key);
    this.typing = on ? [...others, actor] : others;
    // A typist whose line broke never says that they stopped.
    if (on)
      this.#typists.set(
        key,
        setTimeout(() => this.typist(actor, false), 8000),
      );
  }

  artifact(artifact: Artifact) {
    const others = this.artifacts.filter((other) => other.id !== artifact.id);
    this.artifacts = [...others, artifact].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
    const { [artifact.id]: stream, ...rest } = this.streams;
    if (!stream || artifact.status === 'cancelled') return;
    // Of one that was stopped, what it had written so far is all there is. One that begins anew writes anew.
    this.streams = artifact.status === 'running' ? { ...rest, [artifact.id]: { ...stream, text: '' } } : rest;
  }

  /** What comes after no character is all that there is so far. */
  delta(id: string, step: string | null, at: number, text: string) {
    const now = this.streams[id] ?? { step: null, text: '' };
    const sum = at === 0 ? text : now.text + text;
    this.streams = { ...this.streams, [id]: { step: step ?? now.step, text: sum } };
  }

  async make(task: Task): Promise<string> {
    const { id } = await post<{ id: string }>(conversationPath(this.id, '/artifacts'), task);
    if (task.kind === 'reply' || task.kind === 'rewrite') this.ghost = id;
    return id;
  }

  stop = (id: string) => remove<void>(conversationPath(this.id, `/artifacts/${id}/run`));

  /** What became of an artifact; known here at once, since the server does not send it back. */
  feedback(id: string, what: What, more: { suggestion?: number; rating?: Rating | null } = {}) {
    const given = { what, agent: session.agent.id, ...more };
    this.artifacts = this.artifacts.map((made) =>
      made.id === id ? { ...made, feedback: [...made.feedback, given] } : made,
    );
    const { suggestion, rating } = more;
    const body = { what, ...(suggestion === undefined ? {} : { suggestion }), ...(rating ? { rating } : {}) };
    // A count for reports: the agent's work does not wait for it, and loses nothing when it fails.
    post(conversationPath(this.id, `/artifacts/${id}/feedback`), body).catch(() => {});
  }

  /** It is on this agent's screen: said once. */
  shown({ id, status, feedback }: Artifact) {
    if (status !== 'done' || this.#shown.has(id)) return;
    this.#shown.add(id);
    if (!feedback.some((one) => one.what === 'shown' && isMe(one.agent))) untrack(() => this.feedback(id, 'shown'));
  }

  /** Tells the visitor that the house has read; only who answers may say so. */
  async seen() {
    const last = this.items.findLast((item) => item.kind === 'message' && item.message.author.kind === 'visitor');
    if (!last || !this.taking || this.card?.status === 'closed') return;
    const up = Math.max(
      this.#read,
      ...this.items.map((item) => (item.kind === 'read' && item.reader === 'agent' ? item.up_to : 0)),
    );
    if (last.seq <= up) return;
    this.#read = last.seq;
    try {
      await post(conversationPath(this.id, '/read'), { up_to: last.seq });
    } catch {
      this.#read = up;
    }
  }

  close() {
    clearTimeout(this.#refresh);
    for (const timer of this.#typists.values()) clearTimeout(timer);
    this.typing = [];
    this.partial = null;
  }

  async refresh() {
    try {
      this.#know(await get<ConversationDetail>(conversationPath(this.id)));
    } catch {
      // What is shown stays; the next change asks again.
    }
  }

  #know(detail: ConversationDetail) {
    this.detail = detail;
    list.take(detail.card);
  }

  #refreshSoon() {
    clearTimeout(this.#refresh);
    this.#refresh = setTimeout(() => void this.refresh(), 400);
  }

  #age(visitor: boolean) {
    this.artifacts = this.artifacts.map((made) =>
      made.status !== 'done'
        ? made
        : { ...made, stale: made.stale || visitor || !FOR_VISITOR.has(made.kind), new_messages: made.new_messages + 1 },
    );
  }

  #markNew(items: Item[], unread: number) {
    const theirs = items.filter((item) => item.kind === 'message' && item.message.author.kind === 'visitor');
    const first = unread > 0 ? theirs.at(-unread) : undefined;
    this.newAfter = first ? first.seq - 1 : null;
  }

  #arrived(items: Item[]) {
    const ids = items.map((item) =>
      item.kind === 'message' ? item.message.client_id : item.kind === 'note' ? item.note.client_id : null,
    );
    outgoing.arrived(new Set(ids.filter((id): id is string => !!id)));
  }
}
