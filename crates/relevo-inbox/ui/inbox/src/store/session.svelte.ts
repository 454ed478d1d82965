import { get, onSignedOut, post, Problem, remove } from '../lib/api';
import { labelOf, type Actor, type Agent, type Me, type Presence } from '../lib/wire';
import { t, texting } from '../lib/i18n.svelte';

/** `expired` keeps the page as it is under a sign-in dialog, so that nothing typed is lost. */
type State = 'asking' | 'out' | 'in' | 'expired' | 'unreachable';

class Session {
  state = $state<State>('asking');
  me = $state.raw<Me | null>(null);
  /** Why the sign-in link was refused, as an error for the sign-in page. */
  linkError = $state.raw<unknown>(null);

  get agent(): Agent {
    if (!this.me) throw new Error('nobody is signed in');
    return this.me.agent;
  }

  async start() {
    onSignedOut(() => this.expire());
    const address = new URL(location.href);
    const token = address.searchParams.get('link');
    try {
      if (token) {
        address.searchParams.delete('link');
        // Cleaned at once: a token does not belong in the history, nor in a picture of the screen.
        history.replaceState(null, '', address.pathname + address.search);
        try {
          return this.#enter(await post<Me>('/api/session/link', { token }));
        } catch (error) {
          if (!(error instanceof Problem) || error.code === 'offline') throw error;
          this.linkError = error;
        }
      }
      this.#enter(await get<Me>('/api/session'));
    } catch (error) {
      this.state = error instanceof Problem && error.status === 401 ? 'out' : 'unreachable';
    }
  }

  async signIn(email: string, password: string) {
    this.#enter(await post<Me>('/api/session', { email, password }));
  }

  async signOut() {
    await remove('/api/session');
    // A fresh page forgets everything that the last agent saw.
    location.assign('/');
  }

  expire() {
    if (this.state === 'in') this.state = 'expired';
  }

  presence(agent: string, presence: Presence) {
    const me = this.me;
    if (!me) return;
    const changed = (one: Agent) => (one.id === agent ? { ...one, presence } : one);
    this.me = { ...me, agent: changed(me.agent), agents: me.agents.map(changed) };
  }

  #enter(me: Me) {
    if (this.me && this.me.agent.id !== me.agent.id) return location.assign('/');
    this.me = me;
    this.linkError = null;
    this.state = 'in';
  }
}

export const session = new Session();

export const nameOfAgent = (id: string | null | undefined) =>
  session.me?.agents.find((agent) => agent.id === id)?.name ?? t('who.someone');
export const nameOfBot = (id: string) => session.me?.bots.find((bot) => bot.id === id)?.name ?? id;
export const nameOfTeam = (id: string) => session.me?.teams.find((team) => team.id === id)?.name ?? id;
/** A stage's name in the agent's language; its id where the settings have it no more. */
export const nameOfStage = (id: string) =>
  labelOf(session.me?.stages.find((stage) => stage.id === id)?.names, texting.language) || id;
export const nameOfInbox = (id: string) => session.me?.inboxes.find((inbox) => inbox.id === id)?.name ?? id;
export const hasStages = () => !!session.me?.stages.length;
export const hasBot = (inbox: string) => !!session.me?.inboxes.find(({ id }) => id === inbox)?.bot;
/** Whether a skill is one of this agent's. */
export const knows = (skill: string | null) => !!skill && !!session.me?.agent.skills.includes(skill);
/** Whether this agent may act on what others wrote and hold. */
export const leads = () => !!session.me && session.me.agent.role !== 'agent';
export const isMe = (id: string | null | undefined) => !!id && id === session.me?.agent.id;

export function nameOfActor(actor: Actor, visitor: string): string {
  switch (actor.kind) {
    case 'visitor':
      return visitor;
    case 'bot':
      return nameOfBot(actor.bot);
    case 'agent':
      return nameOfAgent(actor.agent);
    case 'external':
      return actor.name;
    case 'system':
      return 'Relevo';
  }
}

/** Visitors without a name still need one that an agent can say aloud. */
export const nameOfContact = (contact: { id: string; name: string | null; email?: string | null }) =>
  contact.name || contact.email || t('who.visitor_number', { n: contact.id.replace(/[^0-9a-z]/gi, '').slice(-4) });
