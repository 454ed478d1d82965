/**
 * What goes over the wire (docs/protocol.md). Shapes come from the server's description, so that a changed one breaks the
 * check of this page; the two sockets' frames are not in it and stand here. Times are RFC 3339 texts, ids are opaque.
 */
import type { components } from './openapi';

type Schemas = components['schemas'];
/** What the server sends is whole: what it does not know is null, never absent. */
type Whole<T> = T extends (infer One)[]
  ? Whole<One>[]
  : T extends object
    ? { [Field in keyof T]-?: Whole<Exclude<T[Field], undefined>> }
    : T;
type Sent<Name extends keyof Schemas> = Whole<Schemas[Name]>;

export type Presence = Sent<'Presence'>;
export type Status = Sent<'Status'>;
export type Priority = Sent<'Priority'>;
export type Outcome = Sent<'Outcome'>;
/** `suppressed` is not sent: a withheld message is a fact of its own. */
export type Delivery = Sent<'Delivery'> | 'suppressed';
export type ViewName =
  | 'mine'
  | 'unassigned'
  | 'queue'
  | 'bot'
  | 'unattended'
  | 'needs_help'
  | 'others'
  | 'all'
  | 'mentions'
  | 'snoozed'
  | 'closed';
export type Sort = 'due' | 'newest' | 'oldest' | 'waiting';
export type Mode = 'reply' | 'note';

export const VIEWS: ViewName[] = [
  'mine',
  'unassigned',
  'queue',
  'bot',
  'unattended',
  'needs_help',
  'others',
  'all',
  'mentions',
  'snoozed',
  'closed',
];
/** What a list is narrowed to, besides words. */
export const FILTERS = ['inbox', 'team', 'stage', 'label'] as const;
export type Filters = Record<(typeof FILTERS)[number], string | null>;
export const SORTS: Sort[] = ['due', 'newest', 'oldest', 'waiting'];
export const PRIORITIES: Priority[] = ['urgent', 'high', 'medium', 'low', 'none'];
export const OUTCOMES: Outcome[] = ['success', 'escalated', 'nobody_available', 'never_answered'];

export type Actor = Sent<'Actor'>;
export type Holder = Sent<'Holder'>;
export type Control = Sent<'Control'>;
export type Agent = Sent<'Colleague'>;
export type Me = Sent<'Me'>;
export type CardContact = Sent<'CardContact'>;
export type Card = Sent<'Card'>;
/** A file of a message. */
export type Attachment = Sent<'Attachment'>;
/** A file that the house has and no message carries yet. */
export type Upload = Sent<'Brought'>;
export type Message = Sent<'Message'>;
/** A fact. A kind that this page does not know still counts in the sequence. */
export type Item = Sent<'Item'>;
export type ItemOf<Kind extends Item['kind']> = Extract<Item, { kind: Kind }>;
export type Failure = Sent<'Failure'>;
export type MacroResult = Sent<'Step'>;

export interface Origin {
  page?: string | null;
  title?: string | null;
  referrer?: string | null;
  user_agent?: string | null;
  utm?: Record<string, string>;
}

export type Information = Sent<'Information'> & { origin: Origin };
export type ConversationDetail = Sent<'Detail'>;

export interface Source {
  n: number;
  kind: 'article' | 'shortcut' | 'conversation' | 'message';
  id?: string | null;
  title?: string | null;
  /** The content hash of what was read. */
  version?: string | null;
  /** First and last byte. */
  span?: [number, number] | null;
  seq?: number | null;
}

export type Style = Sent<'Style'>;
export const STYLES: Style[] = ['clearer', 'shorter', 'longer', 'friendlier', 'formal', 'corrected'];
export type What = Sent<'What'>;
export type Rating = Sent<'Rating'>;
export type ArtifactKind = Sent<'ArtifactKind'>;

export interface Suggestion {
  text: string;
  sources?: number[];
  grounded?: boolean;
  internal?: boolean;
}

/** A value that a rewriting lost or added. */
export interface Changed {
  what: 'lost' | 'added';
  kind: 'number' | 'currency' | 'date' | 'email' | 'url' | 'code' | 'name';
  value: string;
}

/** Of every kind of artifact; each has its part of it. */
export interface Body {
  text?: string;
  issue?: string;
  collected?: { key: string; value: string; seq?: number | null }[];
  tried?: string | string[];
  next?: string | string[];
  reason?: string | null;
  sentiment?: string | { text: string; seq?: number | null } | null;
  dropped?: number;
  suggested_reply?: string | { text: string } | null;
  suggestions?: Suggestion[];
  draft?: string;
  style?: Style;
  changed?: boolean;
  warnings?: Changed[];
  question?: string;
  grounded?: boolean;
  /** Of an answer: it rests on something that customers may not read. */
  internal?: boolean;
}

export interface Became {
  what: What;
  agent: string;
  rating?: Rating | null;
}

/** Why the Copilot, or the model that it asked, could not do something; with the values of its text. */
export type MakeFailure = { kind: string } & Record<string, string | number>;

export type Artifact = Omit<Sent<'Artifact'>, 'body' | 'sources' | 'feedback' | 'failure'> & {
  failure?: MakeFailure | null;
  body: Body | null;
  sources: Source[];
  feedback: Became[];
};

export type Used = Sent<'Used'>;
export type CopilotReport = Sent<'CopilotReport'>;
export type Usage = Sent<'Usage'>;
export type UsedDay = Sent<'Day'>;
export type ArticleText = Sent<'ArticleText'>;

export interface Visitor {
  contact: { id: string; name: string | null; email?: string | null };
  conversation: string | null;
  inbox: string;
  online: boolean;
  page: string | null;
  title: string | null;
  since: string;
  control: Control | null;
  language: string | null;
}

export interface Input {
  name: string;
  label?: string;
}

export type Shortcut = Sent<'Offered'>;

export interface Macro {
  name: string;
  title: Label;
  description: Label | null;
  steps: unknown[];
  inputs?: (Input | string)[];
}

export type FileProblem = Sent<'FileProblem'>;

export interface PlaceProblem {
  place: string;
  problem: string;
}

export type SuggestedLabel = Sent<'SuggestedLabel'>;

export interface KnowledgeSource {
  id: string;
  name: string;
  kind: 'shortcuts' | 'path' | 'urls' | 'text';
  places: string[];
  /** Of the settings: not to be changed here. */
  built_in: boolean;
  published: boolean;
  internal: boolean;
  language: string | null;
  inboxes: string[];
  articles: number;
  read_at: string | null;
  /** How many places of how many are read, while it is being read. */
  reading: [number, number] | null;
  problems: PlaceProblem[];
}

export interface KnowledgeOverview {
  index: 'embedded' | 'qdrant';
  /** None where the index does not answer. */
  passages: number | null;
  may_change: boolean;
  sources: KnowledgeSource[];
  problems: PlaceProblem[];
}

export interface NewSource {
  name: string;
  urls?: string[];
  text?: string;
  format?: 'markdown' | 'html' | 'csv' | 'jsonl';
  internal?: boolean;
  language?: string;
  inboxes?: string[];
}

export interface Article {
  id: string;
  title: string;
  language: string | null;
  internal: boolean;
  published: boolean;
  words: number;
  version: string;
}

export interface FoundPassage {
  source: string;
  kind: 'article' | 'shortcut';
  id: string;
  title: string;
  version: string;
  span: [number, number];
  language: string;
  internal: boolean;
  text: string;
  /** 0..1: how well it fits. */
  likeness: number;
}

export type Frame =
  | { op: 'welcome'; position: number; server_time: string; version?: string }
  | { op: 'card'; card: Card }
  | { op: 'card_gone'; conversation: string; position: number }
  | { op: 'items'; conversation: string; items: Item[]; last_seq: number }
  | { op: 'typing'; conversation: string; actor: Actor; on: boolean }
  | { op: 'viewing'; conversation: string; agents: string[] }
  | { op: 'presence'; agent: string; state: Presence }
  | { op: 'online'; contact: string; online: boolean }
  | { op: 'partial'; conversation: string; turn: string; text: string | null }
  | { op: 'artifact'; conversation: string; artifact: Artifact }
  | { op: 'artifact_delta'; conversation: string; artifact: string; step: string | null; at: number; text: string }
  | { op: 'visitor'; visitor: Visitor }
  | { op: 'library' }
  | { op: 'knowledge' }
  | { op: 'error'; code: string; detail: string };

export type Say =
  | { op: 'hello'; position: number | null }
  | { op: 'open'; conversation: string; after: number }
  | { op: 'shut'; conversation: string }
  | { op: 'typing'; conversation: string; mode: Mode; on: boolean }
  | { op: 'presence'; state: Presence };

/** A title in one language or in several. */
export type Label = string | Record<string, string | null>;
export const labelOf = (label: Label | null | undefined, language: string): string =>
  !label
    ? ''
    : typeof label === 'string'
      ? label
      : (label[language] ?? label.es ?? label.en ?? Object.values(label).find(Boolean) ?? '');
