/** What can be done with the open conversation, once: for the keys, their list and the palette. */
import type { Key } from './lib/i18n.svelte';
import { STYLES, type Card } from './lib/wire';
import { change, handBack, join, leave, reopen, take, withdrawHelp } from './store/actions.svelte';
import { copilot, onTab, rewrite, suggest, summarise } from './store/copilot.svelte';
import { live } from './store/live.svelte';
import { may } from './store/may';
import { hasBot, hasStages, session } from './store/session.svelte';
import { ui, type DialogName } from './store/ui.svelte';

export interface Command {
  label: Key;
  /** What is written by the key that does it, where one does; upper case is with Shift. */
  key?: string;
  when: (card: Card) => boolean;
  run: (card: Card) => unknown;
}

const allowed = (what: keyof ReturnType<typeof may>) => (card: Card) => may(card, session.agent)[what];
const ask = (dialog: DialogName) => () => (ui.dialog = dialog);
const always = () => true;

const written = () => !!copilot.part?.().draft;

function askCopilot() {
  onTab();
  setTimeout(() => ui.focus('ask'));
}

function write(mode: typeof ui.mode) {
  ui.mode = mode;
  // The text box may have to come back first (a closed conversation takes notes only).
  setTimeout(() => ui.focus('composer'));
}

export const COMMANDS: Command[] = [
  { label: 'composer.reply', key: 'r', when: always, run: () => write('reply') },
  { label: 'composer.note', key: 'n', when: always, run: () => write('note') },
  { label: 'action.take', key: 't', when: allowed('take'), run: ({ id }) => take(id) },
  { label: 'action.join', when: allowed('join'), run: ({ id }) => join(id) },
  { label: 'action.transfer', key: 'T', when: allowed('transfer'), run: ask('transfer') },
  {
    label: 'action.hand_back',
    key: 'b',
    when: (card) => allowed('handBack')(card) && hasBot(card.inbox),
    run: ({ id }) => handBack(id),
  },
  { label: 'copilot.suggest', when: always, run: () => live.thread && suggest(live.thread) },
  ...STYLES.map((style): Command => ({
    label: `rewrite_as.${style}`,
    when: written,
    run: () => live.thread && rewrite(live.thread, style),
  })),
  { label: 'rewrite_as.translated', when: written, run: () => live.thread && rewrite(live.thread, 'translated') },
  { label: 'copilot.summarise', when: always, run: () => live.thread && summarise(live.thread) },
  { label: 'copilot.ask', when: always, run: askCopilot },
  {
    label: 'action.snooze',
    key: 's',
    when: (card) => allowed('change')(card) && card.status !== 'snoozed',
    run: ask('snooze'),
  },
  { label: 'action.wake', key: 's', when: ({ status }) => status === 'snoozed', run: open },
  {
    label: 'action.pending',
    key: 'w',
    when: (card) => allowed('change')(card) && card.status !== 'pending',
    run: ({ id }) => change(id, { status: 'pending' }),
  },
  { label: 'action.not_pending', key: 'w', when: ({ status }) => status === 'pending', run: open },
  { label: 'action.ask_help', when: allowed('askHelp'), run: ask('ask_help') },
  { label: 'action.withdraw_help', when: allowed('withdrawHelp'), run: ({ id }) => withdrawHelp(id) },
  { label: 'action.priority', key: 'p', when: always, run: ask('priority') },
  { label: 'action.labels', key: 'l', when: always, run: ask('labels') },
  { label: 'action.team', when: always, run: ask('team') },
  { label: 'action.stage', when: hasStages, run: ask('stage') },
  { label: 'action.close', key: 'e', when: allowed('close'), run: ask('close') },
  { label: 'action.reopen', when: allowed('reopen'), run: ({ id }) => reopen(id) },
  { label: 'action.leave', when: allowed('leave'), run: ({ id }) => leave(id) },
];

function open({ id }: Card) {
  return change(id, { status: 'open' });
}

/** What can be done with this conversation now. */
export const commandsFor = (card: Card) => COMMANDS.filter((command) => command.when(card));
