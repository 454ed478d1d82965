/** The visitor's half of docs/protocol.md, as types. */
export type Who = 'bot' | 'queue' | 'human' | 'closed';

export type Actor =
  | { kind: 'visitor' }
  | { kind: 'bot'; bot: string }
  | { kind: 'agent'; agent: string }
  | { kind: 'external'; name: string }
  | { kind: 'system' };

export interface Button {
  title: string;
  payload: string;
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

/** A file that the server has and no message carries yet. */
export interface Upload extends Attachment {
  id: string;
}

export interface Message {
  id: string;
  author: Actor;
  text: string;
  buttons?: Button[] | null;
  attachments?: Attachment[];
  client_id?: string | null;
}

export type Item = { seq: number; at: string } & (
  | { kind: 'message'; message: Message; turn?: string | null }
  | { kind: 'read'; reader: 'visitor' | 'agent'; up_to: number }
  | { kind: 'removed'; message: string }
  | { kind: 'state'; who: Who; name: string | null }
);

export type ServerFrame =
  | { op: 'welcome'; conversation: string | null; who: Who; name: string | null; queue: { position: number } | null }
  | { op: 'ack'; client_id: string; seq: number; message_id: string | null }
  | { op: 'refused'; client_id: string; code: string; detail: string; retry_after_ms?: number }
  | { op: 'items'; items: Item[] }
  | { op: 'typing'; on: boolean; who: 'bot' | 'human' }
  | { op: 'partial'; turn: string; text: string | null }
  | { op: 'queue'; position: number | null };

export type ClientFrame =
  | { op: 'hello'; after: number }
  | { op: 'say'; client_id: string; text: string; payload?: string; attachments?: string[] }
  | { op: 'human'; client_id: string }
  | { op: 'typing'; on: boolean }
  | { op: 'received' | 'read'; up_to: number }
  | { op: 'page'; url: string; title: string };

/** What the person did that must arrive: written text, a pressed button, or the wish to talk to a person. */
export type Wish = { op: 'say'; text: string; payload?: string; files?: Upload[] } | { op: 'human' };

export interface Identity {
  id: string;
  name?: string;
  email?: string;
  phone?: string;
  hmac: string;
}

export interface Session {
  token: string;
  ticket: string;
  conversation: string | null;
  contact: { id: string; name: string | null };
  language: string;
  inbox: { id: string; name: string; bot: { id: string; name: string } | null };
  limits: { text: number; attachment_bytes: number };
}
