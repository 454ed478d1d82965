/** What goes over the wire, as docs/protocol.md writes it. Times are RFC 3339 texts, ids are opaque. */
export type Presence = 'available' | 'away' | 'offline';
export type Status = 'open' | 'pending' | 'snoozed' | 'closed';
export type Priority = 'none' | 'low' | 'medium' | 'high' | 'urgent';
export type Outcome = 'never_answered' | 'nobody_available' | 'success' | 'escalated';
export type Delivery = 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | 'suppressed';
export type ViewName = 'mine' | 'unassigned' | 'queue' | 'bot' | 'others' | 'all' | 'mentions' | 'snoozed' | 'closed';
export type Sort = 'due' | 'newest' | 'oldest' | 'waiting';
export type Mode = 'reply' | 'note';

export const VIEWS: ViewName[] = [
  'mine',
  'unassigned',
  'queue',
  'bot',
  'others',
  'all',
  'mentions',
  'snoozed',
  'closed',
];
export const SORTS: Sort[] = ['due', 'newest', 'oldest', 'waiting'];
export const PRIORITIES: Priority[] = ['urgent', 'high', 'medium', 'low', 'none'];
export const OUTCOMES: Outcome[] = ['success', 'escalated', 'nobody_available', 'never_answered'];

export type Actor =
  | { kind: 'visitor' }
  | { kind: 'bot'; bot: string }
  | { kind: 'agent'; agent: string }
  | { kind: 'external'; name: string }
  | { kind: 'system' };

export type Holder =
  | { kind: 'bot'; bot: string }
  | { kind: 'queue'; team: string | null; skill: string | null; since: string }
  | { kind: 'human'; agent: string };

export interface Control {
  holder: Holder;
  epoch: number;
}

export interface Agent {
  id: string;
  name: string;
  email: string;
  role: 'admin' | 'supervisor' | 'agent';
  teams: string[];
  skills: string[];
  languages: string[];
  presence: Presence;
}

export interface Me {
  agent: Agent;
  workspace: { name: string };
  inboxes: { id: string; name: string; channel: string }[];
  bots: { id: string; name: string }[];
  teams: { id: string; name: string }[];
  agents: Agent[];
  copilot: { model: string };
  limits: { attachment_bytes: number };
  visibility: 'everyone' | 'team' | 'assigned';
}

export interface CardContact {
  id: string;
  name: string | null;
  email: string | null;
  phone: string | null;
  verified: boolean;
}

export interface Card {
  id: string;
  position: number;
  seq: number;
  inbox: string;
  channel: string;
  contact: CardContact;
  language: string | null;
  status: Status;
  snoozed_until: string | null;
  priority: Priority;
  control: Control;
  assignee: string | null;
  participants: string[];
  team: string | null;
  labels: string[];
  outcome: Outcome | null;
  proposed_outcome?: Outcome | null;
  unread: number;
  mentions: number;
  last: { seq: number; at: string; actor: Actor; preview: string; kind: 'message' | 'note' } | null;
  waiting_since: string | null;
  window_ends_at: string | null;
  created_at: string;
  updated_at: string;
  online: boolean;
  handoff_reason: string | null;
  draft: string | null;
}

/** A file of a message. */
export interface Attachment {
  name: string;
  /** A media type, by what is in it. */
  type: string;
  /** In bytes. */
  size: number;
  /** May be shown in place. */
  inline: boolean;
}

/** A file that the house has and no message carries yet. */
export interface Upload extends Attachment {
  id: string;
}

export interface Message {
  id: string;
  author: Actor;
  text: string;
  attachments?: Attachment[];
  buttons?: { title: string; payload?: string }[];
  reply_to?: string | null;
  client_id?: string | null;
}

interface ItemBase {
  seq: number;
  at: string;
  actor: Actor;
}
/** Kinds that this page draws by name. A kind that it does not know still counts in the sequence. */
export type Item = ItemBase &
  (
    | { kind: 'started'; channel: string; origin?: Origin | null; control: Control }
    | { kind: 'message'; message: Message; delivery?: Delivery; turn?: string | null }
    | {
        kind: 'suppressed';
        message: Message | null;
        what: 'message' | 'handoff' | 'captured';
        reason?: unknown;
        turn?: string;
        began_in?: number;
        epoch?: number;
      }
    | { kind: 'delivery'; message: string; state: Delivery; reason?: string | null }
    | { kind: 'read'; reader: 'visitor' | 'agent'; up_to: number }
    | { kind: 'received'; up_to: number }
    | { kind: 'note'; note: { id: string; text: string; mentions?: string[]; client_id?: string | null } }
    | { kind: 'captured'; data: Record<string, string> }
    | {
        kind: 'handoff_requested';
        reason: string;
        detail?: string | null;
        note?: string | null;
        team?: string | null;
        skill?: string | null;
        captured?: Record<string, string>;
        control: Control;
      }
    | { kind: 'taken_over'; agent: string; from?: 'bot' | 'queue' | 'human'; control: Control }
    | { kind: 'joined' | 'left'; agent: string }
    | {
        kind: 'transferred';
        from: string | null;
        to: { kind: 'agent'; agent: string } | { kind: 'team'; team: string };
        note?: string | null;
        control: Control;
      }
    | { kind: 'handed_back'; bot: string; agent: string; note?: string | null; control: Control }
    | { kind: 'status_changed'; status: Status; until: string | null; reason?: string | null }
    | { kind: 'priority_changed'; priority: Priority }
    | { kind: 'labels_changed'; added: string[]; removed: string[] }
    | { kind: 'team_changed'; team: string | null }
    | { kind: 'closed'; outcome: Outcome; proposed: boolean; control: Control }
    | { kind: 'reopened'; reason: string; control: Control }
    | { kind: 'contact_updated' }
    | { kind: 'page_visited'; url: string; title: string }
    | { kind: 'turn_failed'; turn: string; reason: string; detail?: string | null }
    | { kind: 'macro_ran'; macro: string; steps: MacroResult[] }
  );
export type ItemOf<Kind extends Item['kind']> = Extract<Item, { kind: Kind }>;

export interface MacroResult {
  action: string;
  result: string;
}

export interface Origin {
  page?: string | null;
  title?: string | null;
  referrer?: string | null;
  user_agent?: string | null;
  utm?: Record<string, string>;
}

export interface Information {
  contact: CardContact & { attributes?: Record<string, string> };
  channel: string;
  inbox: string;
  origin: Origin | null;
  pages: { url: string; title: string; at: string }[];
  language: string | null;
  user_agent: string | null;
  utm: Record<string, string> | null;
  earlier: {
    id: string;
    inbox: string;
    status: Status;
    outcome: Outcome | null;
    created_at: string;
    summary: string | null;
  }[];
}

export interface ConversationDetail {
  card: Card;
  information: Information;
  captured: Record<string, string>;
  participants: string[];
}

export interface Source {
  n: number;
  kind: 'article' | 'shortcut' | 'conversation' | 'message';
  id?: string | null;
  title?: string | null;
  span?: string | null;
  seq?: number | null;
}

export interface BriefBody {
  text?: string;
  issue?: string;
  collected?: { key: string; value: string; seq?: number | null }[];
  tried?: string | string[];
  next?: string | string[];
  reason?: string | null;
  sentiment?: string | { text: string; seq?: number | null } | null;
  dropped?: number;
  suggested_reply?: string | { text: string } | null;
}

export interface Suggestion {
  text: string;
  sources?: number[];
  grounded?: boolean;
  internal?: boolean;
}

export interface Artifact {
  id: string;
  kind: 'brief' | 'summary' | 'reply';
  status: 'running' | 'done' | 'failed' | 'cancelled';
  created_at: string;
  created_by: string | null;
  language: string;
  model: string;
  prompt_version: string;
  offline: boolean;
  covers: { first: number; last: number };
  stale: boolean;
  new_messages: number;
  body: (BriefBody & { suggestions?: Suggestion[] }) | null;
  sources: Source[];
  error: string | null;
}

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

export interface Shortcut {
  name: string;
  title: string;
  language: string;
  languages: string[];
  category: string | null;
  body: string;
  variables: string[];
  inputs: (Input | string)[];
  scope: string;
  file: string;
}

export interface Macro {
  name: string;
  title: Label;
  description: Label | null;
  steps: unknown[];
  inputs?: (Input | string)[];
}

export interface FileProblem {
  file: string;
  line: number;
  column: number;
  message: string;
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
  | { op: 'artifact_delta'; conversation: string; artifact: string; step: string | null; text: string }
  | { op: 'visitor'; visitor: Visitor }
  | { op: 'library' }
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
