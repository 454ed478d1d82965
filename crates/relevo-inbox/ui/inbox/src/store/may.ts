import type { PageName } from '../lib/router.svelte';
import type { Agent, Card } from '../lib/wire';
import { session } from './session.svelte';

/** Reports are for those who lead. */
export const mayOpen = (page: PageName) => page !== 'reports' || session.agent.role !== 'agent';

/** What the house lets this agent do with a conversation, so that nothing is offered that would be refused. */
export function may(
  card: Pick<Card, 'status' | 'control' | 'participants' | 'help'>,
  agent: Pick<Agent, 'id' | 'role'>,
) {
  const { holder } = card.control;
  const closed = card.status === 'closed';
  const free = holder.kind !== 'human';
  const mine = !free && holder.agent === agent.id;
  const joined = card.participants.includes(agent.id);
  const leads = agent.role !== 'agent';
  return {
    take: !closed && free,
    join: !closed && !free && !mine && !joined,
    leave: joined && !mine,
    transfer: mine || leads,
    handBack: !closed && holder.kind !== 'bot' && (free || mine || leads),
    close: !closed && (free || mine || joined || leads),
    reopen: closed && (free || mine || leads),
    askHelp: mine && !closed && !card.help,
    withdrawHelp: !!card.help && (card.help.by === agent.id || leads),
    /** Status, priority, labels, team and stage are everybody's while the conversation lasts. */
    change: !closed,
  };
}
