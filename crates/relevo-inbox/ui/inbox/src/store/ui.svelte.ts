import { MediaQuery } from 'svelte/reactivity';
import type { Mode } from '../lib/wire';

export type DialogName =
  | 'transfer'
  | 'close'
  | 'snooze'
  | 'priority'
  | 'labels'
  | 'team'
  | 'stage'
  | 'ask_help'
  | 'help'
  | 'palette'
  | 'macro';
export type Tab = 'information' | 'summary' | 'comments';
export const TABS: Tab[] = ['information', 'summary', 'comments'];

const KEPT = 'relevo.panes';
interface Kept {
  list: number;
  context: number;
  tab: Tab;
  open: boolean;
  /** Groups of the views that are folded. */
  folded: Group[];
}
export type Group = 'views' | 'inboxes' | 'labels';

function kept(): Kept {
  const usual: Kept = { list: 340, context: 360, tab: 'information', open: true, folded: [] };
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Partial<Kept>) };
  } catch {
    return usual;
  }
}

export interface Cited {
  id: string;
  kind: 'article' | 'shortcut';
  title: string;
  version?: string | null;
  span?: [number, number] | null;
}

/** What the screen is doing, as against what the house knows. */
class Ui {
  dialog = $state<DialogName | null>(null);
  mode = $state<Mode>('reply');
  panes = $state<Kept>(kept());
  /** Between 768 and 1280 the context lies over the conversation. */
  drawer = $state(false);
  /** A macro picked in the composer, waiting for its dialog. */
  macro = $state<string | null>(null);

  /** The article that is being read, and what was cited of it. */
  reading = $state.raw<Cited | null>(null);

  wide = new MediaQuery('min-width: 1280px');
  columns = new MediaQuery('min-width: 1440px');
  two = new MediaQuery('min-width: 768px');

  /** A note can never be meant by mistake: every conversation begins with Reply. */
  fresh() {
    this.mode = 'reply';
  }

  keep() {
    localStorage.setItem(KEPT, JSON.stringify(this.panes));
  }

  fold(group: Group) {
    const { folded } = this.panes;
    this.panes.folded = folded.includes(group) ? folded.filter((one) => one !== group) : [...folded, group];
    this.keep();
  }

  tab(tab: Tab) {
    this.panes.tab = tab;
    if (this.wide.current) this.panes.open = true;
    else if (this.two.current) this.drawer = true;
    this.keep();
  }

  toggleContext() {
    if (this.wide.current) this.panes.open = !this.panes.open;
    else this.drawer = !this.drawer;
    this.keep();
  }

  focus(what: 'search' | 'composer' | 'list' | 'conversation' | 'context' | 'ask') {
    const hit = document.querySelector<HTMLElement>(`[data-pane="${what}"]`);
    hit?.focus();
    return !!hit;
  }
}

export const ui = new Ui();
