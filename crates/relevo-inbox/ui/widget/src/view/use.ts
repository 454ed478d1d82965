import type { Chat } from '../chat';
import { texts, type T } from '../texts';

/** What every part is drawn from. A page has one chat, and the whole tree is drawn again after each of its changes. */
let chat: Chat;
let words: { language: string; t: T } | undefined;

export const provide = (given: Chat): void => {
  chat = given;
};

export function use(): { chat: Chat; t: T } {
  if (words?.language !== chat.language) words = { language: chat.language, t: texts(chat.language) };
  return { chat, t: words.t };
}
