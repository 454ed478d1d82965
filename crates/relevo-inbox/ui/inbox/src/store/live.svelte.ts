import { createSocket, Refused, type Socket, type SocketState } from '@relevo/core/socket';
import { post, Problem } from '../lib/api';
import { clock } from '../lib/clock.svelte';
import type { Frame, Mode, Presence, Say } from '../lib/wire';
import { drafts } from './drafts.svelte';
import { knowledge } from './knowledge.svelte';
import { library } from './library.svelte';
import { list } from './list.svelte';
import { calls, notices } from './notices.svelte';
import { outgoing } from './outgoing.svelte';
import { nameOfContact, session } from './session.svelte';
import { Thread } from './thread.svelte';
import { visitors } from './visitors.svelte';

const KEPT_THREADS = 12;
const PATIENCE = 3000;

/** The agent's line to the house: says what it knows, takes what happened, and keeps every number gap-free. */
class Live {
  state = $state<SocketState>('connecting');
  /** Shown only once a break lasts: a short one is nobody's business. */
  broken = $state(false);
  thread = $state.raw<Thread | null>(null);
  /** A message of another conversation that somebody wants to see once that one is open. */
  wanted: { conversation: string; seq: number } | null = null;

  #socket: Socket<Say> | null = null;
  #threads = new Map<string, Thread>();
  #patience: ReturnType<typeof setTimeout> | undefined;
  #welcomed = false;

  start() {
    outgoing.start(session.agent.id, () => this.#welcomed);
    library.need();
    this.#connect();
  }

  retry = () => this.#socket?.reconnect();

  /** After signing in again: the old line was closed for good. */
  resume() {
    if (this.state === 'closed') this.#connect();
  }

  open(id: string | null) {
    if (this.thread?.id === id) return;
    if (this.thread) {
      this.#send({ op: 'shut', conversation: this.thread.id });
      this.thread.close();
    }
    if (!id) {
      this.thread = null;
      return;
    }
    const known = this.#threads.get(id);
    const thread = known ?? new Thread(id);
    this.#threads.delete(id);
    this.#threads.set(id, thread);
    if (this.#threads.size > KEPT_THREADS) this.#threads.delete(this.#threads.keys().next().value!);
    this.thread = thread;
    if (this.wanted?.conversation === id) thread.wanted = { seq: this.wanted.seq };
    this.wanted = null;
    void drafts.open(id);
    void thread.load().then(() => {
      if (this.thread === thread && !thread.error) this.#follow(thread);
    });
  }

  typing(conversation: string, mode: Mode, on: boolean) {
    this.#send({ op: 'typing', conversation, mode, on });
  }

  presence(state: Presence) {
    if (this.#send({ op: 'presence', state })) session.presence(session.agent.id, state);
  }

  #connect() {
    this.#socket = createSocket<Frame, Say>({
      url: async () => {
        try {
          const { ticket } = await post<{ ticket: string }>('/api/ticket');
          const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
          return `${scheme}://${location.host}/ws/agent?ticket=${encodeURIComponent(ticket)}`;
        } catch (error) {
          if (error instanceof Problem && error.status === 401) throw new Refused();
          throw error;
        }
      },
      onOpen: () => this.#send({ op: 'hello', position: list.position }),
      onFrame: (frame) => this.#take(frame),
      onState: (state) => this.#turn(state),
      onClose: ({ code }) => {
        if (code !== 1000) session.expire();
      },
    });
  }

  #turn(state: SocketState) {
    this.state = state;
    if (state === 'open') {
      clearTimeout(this.#patience);
      this.#patience = undefined;
      this.broken = false;
      return;
    }
    this.#welcomed = false;
    this.#patience ??= setTimeout(() => (this.broken = this.state !== 'open'), PATIENCE);
  }

  #send(frame: Say) {
    return this.#socket?.send(frame) ?? false;
  }

  #follow(thread: Thread) {
    this.#send({ op: 'open', conversation: thread.id, after: thread.lastSeq });
  }

  #take(frame: Frame) {
    switch (frame.op) {
      case 'welcome':
        clock.set(frame.server_time);
        this.#welcomed = true;
        list.position ??= frame.position;
        if (this.thread && !this.thread.loading) this.#follow(this.thread);
        list.countSoon(0);
        outgoing.flush();
        return;
      case 'card': {
        const { card } = frame;
        if (calls(list.cards.get(card.id), card, session.agent.id)) notices.show(card, nameOfContact(card.contact));
        return list.take(card);
      }
      case 'card_gone':
        return list.gone(frame.conversation, frame.position);
      case 'items': {
        const thread = this.#threads.get(frame.conversation);
        // A missing number: ask again from the last one that is certain.
        if (thread && !thread.take(frame.items)) this.#follow(thread);
        return;
      }
      case 'typing':
        if (frame.actor.kind === 'agent' && frame.actor.agent === session.agent.id) return;
        return this.#threads.get(frame.conversation)?.typist(frame.actor, frame.on);
      case 'viewing': {
        const thread = this.#threads.get(frame.conversation);
        if (thread) thread.viewing = frame.agents.filter((agent) => agent !== session.agent.id);
        return;
      }
      case 'presence':
        return session.presence(frame.agent, frame.state);
      case 'online':
        return list.online(frame.contact, frame.online);
      case 'partial': {
        const thread = this.#threads.get(frame.conversation);
        if (thread) thread.partial = frame.text === null ? null : { turn: frame.turn, text: frame.text };
        return;
      }
      case 'artifact':
        return this.#threads.get(frame.conversation)?.artifact(frame.artifact);
      case 'artifact_delta':
        return this.#threads.get(frame.conversation)?.delta(frame.artifact, frame.step, frame.at, frame.text);
      case 'visitor':
        return visitors.take(frame.visitor);
      case 'library':
        return void library.load();
      case 'knowledge':
        return knowledge.changed();
      case 'error':
        console.warn(`the server refused a frame: ${frame.code}: ${frame.detail}`);
    }
  }
}

export const live = new Live();
